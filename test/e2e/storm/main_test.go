package storm

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/repository"
)

// shared is the cluster of all tests, each with tenants of its own.
var shared *cluster

// lasts is for how long each storm goes on: USHER_STORM_FOR, or a few seconds.
var lasts = 6 * time.Second

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if told := os.Getenv("USHER_STORM_FOR"); told != "" {
		if lasts, err = time.ParseDuration(told); err != nil {
			return 1, fmt.Errorf("USHER_STORM_FOR: %w", err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	folder, err := os.MkdirTemp("", "usher-storm-")
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
	if shared, err = startCluster(ctx, folder, 3, repository.Working()); err != nil {
		return 1, err
	}
	defer shared.release()
	// From here on a signal ends the tests as usual; the kernel takes the servers
	// along.
	stop()
	return m.Run(), nil
}
