//go:build linux

package node_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/node"
	"usher.dev/usher/test/e2e/repository"
)

// agent is the node's usher-agent.
type agent struct {
	source  string
	process *controlplane.Process
}

const (
	usherNamespace = "usher-system"
	agentName      = "usher-agent"
)

// agentRights are the agent's service account and what it may do, as
// manifests/agent has them. The namespace is what its kustomization adds.
func agentRights() ([]*unstructured.Unstructured, error) {
	manifest, err := os.ReadFile(filepath.Join(repository.Root(), "manifests", "agent", "rbac.yaml"))
	if err != nil {
		return nil, err
	}
	objects, err := repository.Decode(manifest)
	for _, object := range objects {
		switch object.GetKind() {
		case "ServiceAccount":
			object.SetNamespace(usherNamespace)
		case "ClusterRoleBinding":
			object.Object["subjects"] = []any{map[string]any{"kind": "ServiceAccount", "namespace": usherNamespace, "name": agentName}}
		}
	}
	return objects, err
}

// createAgentPod makes the pod on the node in whose name the agent runs, beside
// it, as that of a DaemonSet would.
func (c *cluster) createAgentPod(ctx context.Context) (types.UID, error) {
	pod, err := c.client.CoreV1().Pods(usherNamespace).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: agentName},
		Spec: corev1.PodSpec{
			NodeName:                     nodeName,
			ServiceAccountName:           agentName,
			AutomountServiceAccountToken: new(bool),
			DNSPolicy:                    corev1.DNSDefault,
			Containers:                   []corev1.Container{{Name: "agent", Image: node.Image, ImagePullPolicy: corev1.PullNever}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return pod.UID, nil
}

// agentBinary is where TestMain has built usher-agent.
func agentBinary() string { return filepath.Join(shared.folder, "usher-agent") }

// reportOnce is what the agent reports of a source without a kubelet.
func reportOnce(t *testing.T, source string) *v1alpha1.GPUNode {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), agentBinary(), "--once", "--source", source, "--node-name", nodeName).Output()
	if err != nil {
		t.Fatalf("usher-agent --once: %v", err)
	}
	report := &v1alpha1.GPUNode{}
	if err := yaml.UnmarshalStrict(output, report); err != nil {
		t.Fatal(err)
	}
	return report
}

// startAgent starts the agent, for as long as the test runs.
func startAgent(t *testing.T, source string) *agent {
	t.Helper()
	a := &agent{source: source}
	a.start(t)
	t.Cleanup(a.kill)
	return a
}

func (a *agent) start(t *testing.T) {
	t.Helper()
	kubeconfig := filepath.Join(shared.folder, "agent.kubeconfig")
	identity, err := shared.AsServiceAccount(t.Context(), usherNamespace, agentName,
		&authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: agentName, UID: shared.agentPod})
	if err != nil {
		t.Fatal(err)
	}
	if err := controlplane.WriteKubeconfig(kubeconfig, identity); err != nil {
		t.Fatal(err)
	}
	a.process, err = controlplane.StartProcess("usher-agent", filepath.Join(shared.folder, "usher-agent.log"), agentBinary(),
		"--source="+a.source,
		"--node-name="+nodeName,
		"--pod="+usherNamespace+"/"+agentName,
		"--kubeconfig="+kubeconfig,
		"--kubelet-socket="+node.PodResourcesSocket,
		"--interval=1s",
		"--probe-listen=",
	)
	if err != nil {
		t.Fatal(err)
	}
}

// kill ends the agent as a crash would.
func (a *agent) kill() { a.process.Kill() }
