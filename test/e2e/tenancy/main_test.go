package tenancy

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// shared is the cluster of all tests, each with tenants of its own.
var shared *cluster

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctrl.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	folder, err := os.MkdirTemp("", "usher-tenancy-")
	if err != nil {
		return 1, err
	}
	// What the servers logged is worth keeping when something failed.
	defer func() {
		if code == 0 {
			_ = os.RemoveAll(folder)
		} else {
			fmt.Fprintln(os.Stderr, "logs are kept in", folder)
		}
	}()
	if shared, err = startCluster(ctx, folder); err != nil {
		return 1, err
	}
	defer shared.release()
	// From here on a signal ends the tests as usual; the kernel takes the servers
	// along.
	stop()
	return m.Run(), nil
}
