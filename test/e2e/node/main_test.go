//go:build linux

package node_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/node"
	"usher.dev/usher/test/e2e/repository"
)

var (
	// shared is the cluster of one node that the tests use one after the other.
	shared *cluster
	// missing is what the machine lacks, for which every test skips.
	missing error
)

// folderVariable names the folder of what is built outside the namespaces and of
// the logs.
const folderVariable = "USHER_NODE_FOLDER"

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
	if node.Isolated() {
		return inside(m, os.Getenv(folderVariable))
	}
	var folder string
	code, err = node.Isolate(func() ([]string, error) {
		if folder, err = os.MkdirTemp("", "usher-node-"); err != nil {
			return nil, err
		}
		programs, err := build(context.Background(), folder)
		return []string{folderVariable + "=" + folder, "USHER_CONTROL_PLANE=" + string(programs)}, err
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

// build builds what runs inside, where there is no network.
func build(ctx context.Context, folder string) (controlplane.Programs, error) {
	if _, err := repository.Build(ctx, folder, "usher-agent"); err != nil {
		return "", err
	}
	if _, err := node.PackPause(ctx, folder); err != nil {
		return "", err
	}
	return controlplane.FindPrograms(ctx)
}

func inside(m *testing.M, folder string) (int, error) {
	var err error
	if shared, err = startCluster(context.Background(), folder); err != nil {
		return 1, err
	}
	defer shared.release()
	return m.Run(), nil
}

// needsNode skips a test where there is no node.
func needsNode(t *testing.T) {
	t.Helper()
	if missing != nil {
		t.Skip(missing)
	}
}

// The tests run an agent that is built from the whole repository; see the test of
// this name in test/e2e.
func TestCachedResultsBelongToTheseSources(t *testing.T) {
	if os.Getenv("USHER_TREE") == "" {
		t.Log("USHER_TREE is not set: without make, run with -count=1 after a change outside test/e2e")
	}
}
