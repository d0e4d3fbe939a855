package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

var update = flag.Bool("update", false, "write docs/doors.md instead of comparing it")

var (
	// shared is the cluster that most tests use, each in namespaces of its own.
	shared *cluster
	// built are usher's binaries, for further clusters.
	built binaries
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	folder, err := os.MkdirTemp("", "usher-e2e-")
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
	if built, err = build(ctx, folder); err != nil {
		return 1, err
	}
	if shared, err = startCluster(ctx, folder, built); err != nil {
		return 1, err
	}
	defer shared.release()
	// From here on a signal ends the tests as usual; the kernel takes the servers
	// along.
	stop()
	return m.Run(), nil
}
