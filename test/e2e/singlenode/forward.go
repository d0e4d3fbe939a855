//go:build linux

package singlenode

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"usher.dev/usher/test/e2e/controlplane"
)

// Forward is an address of this machine that leads to a port of a pod.
type Forward struct {
	*controlplane.Process
	Address string
}

// Forward leads to a port that a pod has on its loopback address, until it is killed.
func (c *Cluster) Forward(ctx context.Context, namespace, pod string, port int) (*Forward, error) {
	local, err := controlplane.ReservePort()
	if err != nil {
		return nil, err
	}
	defer local.Release()
	process, err := controlplane.StartProcess("kubectl port-forward", filepath.Join(c.folder, "port-forward.log"), c.programs.Path("kubectl"),
		"--kubeconfig", filepath.Join(c.folder, "admin.kubeconfig"), "port-forward", "--namespace", namespace, "pod/"+pod,
		strconv.Itoa(local.Number)+":"+strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	f := &Forward{Process: process, Address: local.Address()}
	if err := f.waitOpen(ctx); err != nil {
		f.Kill()
		return nil, err
	}
	return f, nil
}

// waitOpen waits until kubectl listens.
func (f *Forward) waitOpen(ctx context.Context) error {
	const patience, pause = 20 * time.Second, 50 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var dialer net.Dialer
	for {
		connection, err := dialer.DialContext(ctx, "tcp4", f.Address)
		if err == nil {
			return connection.Close()
		}
		select {
		case <-f.Ended():
			return f.Failure(errEnded)
		case <-ctx.Done():
			return fmt.Errorf("forward to %s: %w", f.Address, err)
		case <-time.After(pause):
		}
	}
}
