//go:build linux

package node

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"usher.dev/usher/test/e2e/controlplane"
)

// startTimeout bounds how long containerd or the kubelet may take to start.
const startTimeout = 2 * time.Minute

// Options say what a node is.
type Options struct {
	Name     string
	Programs controlplane.Programs
	// Images are archives of images, that of Image among them.
	Images []string
	// Labels are those that the Node registers with.
	Labels map[string]string
	// Logs is the folder that logs are kept in.
	Logs string
}

// Node is one real node of a control plane.
type Node struct {
	Options
	plane      *controlplane.ControlPlane
	containerd *controlplane.Process
	kubelet    *controlplane.Process
	proxy      *controlplane.Process
}

// Start starts a node of the control plane inside the namespaces of Isolate.
// Services lead nowhere before StartProxy.
func Start(ctx context.Context, plane *controlplane.ControlPlane, o Options) (*Node, error) {
	n := &Node{Options: o, plane: plane}
	if err := n.start(ctx); err != nil {
		n.Release()
		return nil, err
	}
	return n, nil
}

func (n *Node) start(ctx context.Context) error {
	if err := os.MkdirAll(n.path(""), 0o755); err != nil {
		return err
	}
	identity, err := n.plane.As("system:node:"+n.Name, "system:nodes")
	if err != nil {
		return err
	}
	if err := controlplane.WriteKubeconfig(n.path("kubelet.kubeconfig"), identity); err != nil {
		return err
	}
	if err := n.prepareKubelet(); err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if n.containerd, err = startContainerd(starting, n.path(""), n.Logs, n.Images); err != nil {
		return err
	}
	return n.StartKubelet(ctx)
}

// Import gives the node an image that it did not start with.
func (n *Node) Import(ctx context.Context, archive string) error { return importImage(ctx, archive) }

// Processes are what the node consists of, once kube-proxy was started.
func (n *Node) Processes() []*controlplane.Process {
	return []*controlplane.Process{n.containerd, n.kubelet, n.proxy}
}

// Release ends the node. What its pods run ends with the namespaces.
func (n *Node) Release() {
	n.proxy.Kill()
	n.kubelet.Kill()
	n.containerd.Kill()
}

// labels are the Node's, as the kubelet takes them.
func (n *Node) labels() string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(n.Labels)) {
		pairs = append(pairs, key+"="+n.Labels[key])
	}
	return strings.Join(pairs, ",")
}

// path is of a file of the node's own, in memory.
func (n *Node) path(file string) string { return filepath.Join("/var/lib/node", file) }
