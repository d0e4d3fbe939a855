//go:build linux

package node_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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
	identity, err := shared.AsServiceAccount(t.Context(), usherNamespace, agentName, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := controlplane.WriteKubeconfig(kubeconfig, identity); err != nil {
		t.Fatal(err)
	}
	a.process, err = controlplane.StartProcess("usher-agent", filepath.Join(shared.folder, "usher-agent.log"), agentBinary(),
		"--source="+a.source,
		"--node-name="+nodeName,
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
