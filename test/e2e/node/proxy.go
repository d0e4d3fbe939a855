//go:build linux

package node

import (
	"context"
	"net/http"
	"path/filepath"

	"usher.dev/usher/test/e2e/controlplane"
)

// proxyHealth is kube-proxy's probe.
const proxyHealth = "http://127.0.0.1:10256/livez"

// StartProxy starts kube-proxy, by which the addresses of Services lead to pods.
func (n *Node) StartProxy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	identity, err := n.plane.As("system:kube-proxy")
	if err != nil {
		return err
	}
	if err := controlplane.WriteKubeconfig(n.path("kube-proxy.kubeconfig"), identity); err != nil {
		return err
	}
	n.proxy, err = controlplane.StartProcess("kube-proxy", filepath.Join(n.Logs, "kube-proxy.log"), n.Programs.Path("kube-proxy"),
		"--kubeconfig="+n.path("kube-proxy.kubeconfig"),
		"--hostname-override="+n.Name,
		"--proxy-mode=iptables",
		"--cluster-cidr="+podRange,
		"--healthz-bind-address=127.0.0.1:10256",
		// What bounds the machine's connections is not the node's to change.
		"--conntrack-max-per-core=0",
		"--conntrack-tcp-timeout-established=0",
		"--conntrack-tcp-timeout-close-wait=0",
		"--v=2",
	)
	if err != nil {
		return err
	}
	return n.proxy.WaitReady(ctx, http.DefaultClient, proxyHealth)
}
