//go:build linux

package node

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"usher.dev/usher/test/e2e/controlplane"
)

// startTimeout bounds how long containerd or the kubelet may take to start.
const startTimeout = 2 * time.Minute

// Node is one real node of a control plane.
type Node struct {
	name       string
	logs       string
	programs   controlplane.Programs
	containerd *controlplane.Process
	kubelet    *controlplane.Process
}

// Start starts a node of the control plane, whose name is given, inside the
// namespaces of Isolate. The program pause is static; logs are kept in a folder.
func Start(ctx context.Context, plane *controlplane.ControlPlane, programs controlplane.Programs, name, pause, logs string) (*Node, error) {
	n := &Node{name: name, logs: logs, programs: programs}
	if err := os.MkdirAll(n.path(""), 0o755); err != nil {
		return nil, err
	}
	identity, err := plane.As("system:node:"+name, "system:nodes")
	if err != nil {
		return nil, err
	}
	if err := controlplane.WriteKubeconfig(n.path("kubelet.kubeconfig"), identity); err != nil {
		return nil, err
	}
	if err := n.prepareKubelet(); err != nil {
		return nil, err
	}
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if n.containerd, err = startContainerd(starting, n.path(""), logs, pause); err != nil {
		return nil, err
	}
	return n, n.StartKubelet(ctx)
}

// Release ends the node. What its pods run ends with the namespaces.
func (n *Node) Release() {
	n.kubelet.Kill()
	n.containerd.Kill()
}

// path is of a file of the node's own, in memory.
func (n *Node) path(file string) string { return filepath.Join("/var/lib/node", file) }
