//go:build linux

package node

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"usher.dev/usher/test/e2e/controlplane"
)

// Where a kubelet has its files, as everywhere.
const (
	kubeletRoot = "/var/lib/kubelet"
	// PluginFolder is where device plugins listen and register.
	PluginFolder = kubeletRoot + "/device-plugins"
	// PodResourcesSocket is where the kubelet says which pod holds what.
	PodResourcesSocket = kubeletRoot + "/pod-resources/kubelet.sock"
)

// kubeletConfig takes the cgroup below which pods get theirs. The node's status
// is sent often, so that tests need not wait for what they changed.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: ` + Address + `
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupRoot: /%s
containerRuntimeEndpoint: unix://` + containerdSocket + `
evictionHard: {}
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
nodeStatusUpdateFrequency: 1s
readOnlyPort: 0
resolvConf: ""
volumePluginDir: ` + kubeletRoot + `/volume-plugins
`

// kubeletHealth is the kubelet's probe.
const kubeletHealth = "http://127.0.0.1:10248/healthz"

func (n *Node) prepareKubelet() error {
	if err := os.MkdirAll(kubeletRoot, 0o750); err != nil {
		return err
	}
	configuration := fmt.Sprintf(kubeletConfig, os.Getenv(hierarchyVariable))
	return os.WriteFile(n.path("kubelet.yaml"), []byte(configuration), 0o600)
}

// StartKubelet starts the kubelet and waits until it is healthy. It may be
// started again after KillKubelet: its pods run on meanwhile.
func (n *Node) StartKubelet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var err error
	n.kubelet, err = controlplane.StartProcess("kubelet", filepath.Join(n.Logs, "kubelet.log"), n.Programs.Path("kubelet"),
		"--config="+n.path("kubelet.yaml"),
		"--kubeconfig="+n.path("kubelet.kubeconfig"),
		"--root-dir="+kubeletRoot,
		"--cert-dir="+n.path("kubelet-pki"),
		"--hostname-override="+n.Name,
		"--node-labels="+n.labels(),
		"--node-ip="+Address,
		"--v=4",
	)
	if err != nil {
		return err
	}
	return n.kubelet.WaitReady(ctx, http.DefaultClient, kubeletHealth)
}

// KillKubelet ends the kubelet as a crash would.
func (n *Node) KillKubelet() { n.kubelet.Kill() }
