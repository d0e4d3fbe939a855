//go:build linux

// Package install_test installs usher with its chart on a real node, as people do:
// upgrades it, takes it away and installs it again, while a tenant works.
package install_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/node"
	"usher.dev/usher/test/e2e/singlenode"
)

var (
	// shared is the cluster that the tests use one after the other.
	shared *singlenode.Cluster
	// missing is what the machine lacks, for which every test skips.
	missing error
)

// folderVariable names the folder of what is built outside the namespaces and of
// the logs.
const folderVariable = "USHER_INSTALL_FOLDER"

// nextTag is that of the images that the cluster is upgraded to.
const nextTag = "next"

// patience is how long anything may take on a busy machine.
const patience = 3 * time.Minute

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if missing = node.Missing(); missing != nil {
		return m.Run(), nil
	}
	folder := os.Getenv(folderVariable)
	if node.Isolated() {
		return inside(m, folder)
	}
	code, err = node.Isolate(func() ([]string, error) {
		if folder, err = os.MkdirTemp("", "usher-install-"); err != nil {
			return nil, err
		}
		return prepare(context.Background(), folder)
	})
	// What the servers logged is worth keeping when something failed.
	switch {
	case folder == "":
	case code == 0 && err == nil:
		err = os.RemoveAll(folder)
	default:
		fmt.Fprintln(os.Stderr, "logs are kept in", folder)
	}
	return code, err
}

// prepare builds what runs inside, where there is no network.
func prepare(ctx context.Context, folder string) ([]string, error) {
	environment, err := singlenode.Prepare(ctx, folder)
	if err != nil {
		return nil, err
	}
	if err := buildCertManager(ctx, folder); err != nil {
		return nil, err
	}
	return append(environment, folderVariable+"="+folder), singlenode.PackUsher(ctx, filepath.Join(folder, nextTag), nextTag)
}

func inside(m *testing.M, folder string) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if shared, err = singlenode.Start(ctx, folder, "mock:dgxh100"); err != nil {
		return 1, err
	}
	defer shared.Release()
	if err := shared.WaitReady(ctx); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// The tests run images that are built from the whole repository; see the test of
// this name in test/e2e.
func TestCachedResultsBelongToTheseSources(t *testing.T) {
	if os.Getenv("USHER_TREE") == "" {
		t.Log("USHER_TREE is not set: without make, run with -count=1 after a change outside test/e2e")
	}
}
