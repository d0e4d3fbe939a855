package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"

	"usher.dev/usher/api/v1alpha1"
)

const snapshot = `
apiVersion: usher.dev/v1alpha1
kind: GPUNode
metadata: {name: elsewhere}
status:
  bootID: another
  sequence: 41
  driver: 550.54.15
  gpus:
  - {index: 0, uuid: GPU-a, health: Degraded, healthReasons: [{code: NVLinkErrors, since: "2026-01-01T00:00:00Z"}]}
  allocations:
  - {device: GPU-a, resource: nvidia.com/gpu, namespace: team-a, pod: train, container: main}
`

func TestASnapshotIsReadAgainAndReportedAsThisNodes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gpunode.yaml")
	must(t, os.WriteFile(file, []byte(snapshot), 0o600))
	a, _ := newAgent(&Machine{Snapshot: file})
	node := a.Node(a.Round(t.Context()))
	if node.Name != "gpu-1" || node.Status.BootID != "boot-1" || node.Status.Sequence != 1 || node.Status.Driver != "550.54.15" {
		t.Errorf("node %s, boot %s, sequence %d, driver %s", node.Name, node.Status.BootID, node.Status.Sequence, node.Status.Driver)
	}
	report(t, "summary", cmp.Diff(&v1alpha1.GPUNodeSummary{GPUs: 1, Healthy: 1}, node.Status.Summary))
	report(t, "resources", cmp.Diff([]v1alpha1.DeviceResource{{Name: "nvidia.com/gpu", Devices: []string{"GPU-a"}, Replicas: 1}}, node.Status.Resources))
	if since := node.Status.GPUs[0].HealthReasons[0].Since; since == nil || since.Year() != 2026 || since.Month() != 1 {
		t.Errorf("since %v", since)
	}

	must(t, os.WriteFile(file, []byte(strings.ReplaceAll(snapshot, "GPU-a", "GPU-z")), 0o600))
	if got := a.Round(t.Context()); got.GPUs[0].UUID != "GPU-z" {
		t.Errorf("not read again: %s", got.GPUs[0].UUID)
	}
}

func TestAKubeletKnowsBetterWhoHoldsWhatThanASnapshot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gpunode.yaml")
	must(t, os.WriteFile(file, []byte(snapshot), 0o600))
	kubelet := &fakeKubelet{allocatable: []*podresources.ContainerDevices{devices("nvidia.com/gpu", "GPU-a")}}
	a, _ := newAgent(&Machine{Snapshot: file, Kubelet: kubelet})
	if got := a.Round(t.Context()); got.Allocations != nil || got.Summary.Free != 1 {
		t.Errorf("allocations %v, %d free", got.Allocations, got.Summary.Free)
	}
}

func TestASnapshotThatCannotBeReadIsNotPlacedBy(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"no file", "", "no such file or directory"},
		{"no YAML", "{", "gpunode.yaml:1:1: broken YAML"},
		{"an unknown field", "apiVersion: usher.dev/v1alpha1\nkind: GPUNode\nstatus: {gpu: []}", `gpunode.yaml:3:10: unknown field "status.gpu"`},
		{"another kind", "apiVersion: v1\nkind: Node", "there is none in "},
		{"two of them", snapshot + "---" + strings.Replace(snapshot, "elsewhere", "another", 1), "gpunode.yaml holds 2 GPUNodes, and a node has one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "gpunode.yaml")
			if tt.text != "" {
				must(t, os.WriteFile(file, []byte(tt.text), 0o600))
			}
			a, _ := newAgent(&Machine{Snapshot: file})
			ready := a.Round(t.Context()).Conditions[0]
			if ready.Type != "Ready" || ready.Status != "False" || ready.Reason != "ProbeFailed" || !strings.Contains(ready.Message, tt.want) {
				t.Errorf("%+v", ready)
			}
		})
	}
}
