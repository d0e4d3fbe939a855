//go:build linux

package install_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/fakenode"
	"usher.dev/usher/test/e2e/repository"
)

// otherNode is one that KWOK plays. Its agent, which KWOK only says to run, runs on
// this machine with the rights of the DaemonSet's pod.
type otherNode struct {
	kwok  *controlplane.KWOK
	agent *controlplane.Process
}

const otherName = "pcie-node"

func startOtherNode(t *testing.T) *otherNode {
	t.Helper()
	snapshot := filepath.Join(repository.Root(), "testdata", "gpunodes", "pcie-only.yaml")
	content, err := os.ReadFile(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	hardware := &v1alpha1.GPUNode{}
	if err := yaml.UnmarshalStrict(content, hardware); err != nil {
		t.Fatal(err)
	}
	played := fakenode.New(otherName, hardware, 1)
	o := &otherNode{}
	if o.kwok, err = shared.StartKWOK(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := played.Register(t.Context(), shared.Client, map[string]string{corev1.LabelHostname: otherName, "nvidia.com/gpu.present": "true"}); err != nil {
		t.Fatal(err)
	}
	if _, err := fakenode.Run(t.Context(), shared.Client, played); err != nil {
		t.Fatal(err)
	}
	pod := awaitAgentPod(t, otherName)
	config, err := shared.AsServiceAccount(t.Context(), systemNamespace, "usher-agent",
		&authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := controlplane.WriteKubeconfig(filepath.Join(folder, "kubeconfig"), config); err != nil {
		t.Fatal(err)
	}
	// In the node's own folder: the path of a socket has to be short.
	const socket = "/run/pcie-node.sock"
	if err := played.Serve(t.Context(), socket); err != nil {
		t.Fatal(err)
	}
	o.agent, err = controlplane.StartProcess("usher-agent", filepath.Join(shared.Folder(), otherName+".log"), filepath.Join(shared.Folder(), "usher-agent"),
		"--source=file:"+snapshot, "--node-name="+otherName, "--kubeconfig="+filepath.Join(folder, "kubeconfig"),
		"--kubelet-socket="+socket, "--interval=1s", "--probe-listen=")
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, "wait", "--for=create", "--timeout=50s", "gpunode/"+otherName)
	kubectl(t, "wait", "--for=condition=Ready", "--timeout=50s", "gpunode/"+otherName)
	return o
}

// leave takes the node from the cluster: usher's own pods are not to be sent there.
func (o *otherNode) leave(t *testing.T) {
	t.Helper()
	o.agent.Kill()
	ctx := context.WithoutCancel(t.Context())
	for _, arguments := range [][]string{
		{"cordon", otherName},
		{"label", "node", otherName, "nvidia.com/gpu.present-"},
		{"wait", "--for=delete", "pod", "--namespace", systemNamespace, "--field-selector=spec.nodeName=" + otherName, "--timeout=50s"},
		{"delete", "node", otherName},
		{"delete", "--ignore-not-found", "gpunode", otherName},
	} {
		if _, _, err := shared.Kubectl(ctx, "", arguments...); err != nil {
			t.Error(err)
		}
	}
	o.kwok.Release()
}
