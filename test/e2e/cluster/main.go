//go:build linux

// Command cluster runs a Kubernetes cluster of one node with eight mocked GPUs on
// this machine, for people who want to see usher in one, until it is told to end.
// Nothing of it stays: see package node.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/node"
	"usher.dev/usher/test/e2e/singlenode"
)

// folderVariable names the folder of what is built outside the namespaces, of
// logs, and of the socket that leads inside.
const folderVariable = "USHER_CLUSTER_FOLDER"

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
	}
	os.Exit(code)
}

func run() (code int, err error) {
	if err := node.Missing(); err != nil {
		return 2, fmt.Errorf("this machine cannot run one: %w", err)
	}
	folder := os.Getenv(folderVariable)
	if node.Isolated() {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		if err := serve(ctx, folder); err != nil && ctx.Err() == nil {
			return 1, err
		}
		return 0, nil
	}
	code, err = node.Isolate(func() ([]string, error) {
		folder = clusterFolder()
		return prepare(folder)
	})
	if code == 0 && err == nil {
		fmt.Fprintln(os.Stderr, "cluster: everything is gone; logs are kept in", folder)
	}
	return code, err
}

// prepare builds what the cluster consists of, and opens the door to it.
func prepare(folder string) ([]string, error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	began := time.Now()
	if err := os.RemoveAll(folder); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	say("building what the cluster consists of; the first time it takes minutes")
	environment, err := singlenode.Prepare(ctx, folder)
	if err != nil {
		return nil, err
	}
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.Symlink(programs.Path("kubectl"), filepath.Join(folder, "kubectl")); err != nil {
		return nil, err
	}
	say("built in %s", since(began))
	address, err := openDoor(filepath.Join(folder, doorSocket))
	if err != nil {
		return nil, err
	}
	return append(environment, folderVariable+"="+folder, addressVariable+"="+address), nil
}

// serve runs the cluster until ctx ends.
func serve(ctx context.Context, folder string) error {
	began := time.Now()
	say("starting etcd, the control plane, containerd, kubelet and kube-proxy")
	c, err := singlenode.Start(ctx, folder, "mock:dgxh100")
	if err != nil {
		return err
	}
	defer c.Release()
	if err := c.WaitReady(ctx); err != nil {
		return err
	}
	if err := leadInside(ctx, filepath.Join(folder, doorSocket), c.Config().Host); err != nil {
		return err
	}
	if err := writeKubeconfig(c, filepath.Join(folder, "kubeconfig")); err != nil {
		return err
	}
	say("ready in %s", since(began))
	fmt.Print(guide())
	defer say("ending")
	return c.Wait(ctx)
}

func say(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "cluster: "+format+"\n", arguments...)
}

func since(began time.Time) time.Duration { return time.Since(began).Round(time.Second) }
