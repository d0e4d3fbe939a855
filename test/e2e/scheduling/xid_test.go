package scheduling

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/repository"
)

// Scripts of what the mocked driver says: GPU 3 has fallen off the bus and has
// to be reset, and then was.
const (
	xid79 = `faults: [{fault: xid, gpu: 3, value: 79}, {fault: recovery, gpu: 3, value: 1}]`
	reset = `faults: []`
)

// mocked is the shape of a board that the agent mocks, always with the same UUIDs.
func (c *cluster) mocked(board string) shape {
	return func(t *testing.T, _ int) *v1alpha1.GPUNode {
		t.Helper()
		content, err := repository.Run(t.Context(), c.agentBinary, "--once", "--source=mock:"+board, "--node-name=mocked")
		if err != nil {
			t.Fatal(err)
		}
		node := &v1alpha1.GPUNode{}
		if err := yaml.UnmarshalStrict(content, node); err != nil {
			t.Fatal(err)
		}
		node.Status.Allocations = nil
		return node
	}
}

// TestAGPUGoesBad has the driver report an XID of one GPU of a node, and the
// device plugin learn of it later than usher.
func TestAGPUGoesBad(t *testing.T) {
	const bad = 3
	f := shared.newFleet(t, map[string]shape{"mocked": shared.mocked("dgxh100")})
	folder := t.TempDir()
	script := filepath.Join(folder, "script.yaml")
	play := func(t *testing.T, content string) {
		t.Helper()
		if err := os.WriteFile(script, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	play(t, reset)
	f.startAgentOf(t, "mocked", folder, "--source=mock:dgxh100", "--mock-script="+script)
	f.waitReported(t, "mocked")
	node := f.nodes["mocked"]
	uuid := node.Hardware().Status.GPUs[bad].UUID
	const namespace = "xid"
	f.cluster.namespace(t, namespace, nil)

	play(t, xid79)
	report := f.waitHealth(t, "mocked", bad, v1alpha1.Unhealthy)
	t.Logf("the report says: %v", report.Status.GPUs[bad].HealthReasons)

	t.Run("a pod of all GPUs waits, though the kubelet offers them", func(t *testing.T) {
		f.cluster.create(t, ask{gpus, 8, ""}.pod(namespace, "all", gpuScheduler))
		t.Logf("the scheduler says: %s", f.cluster.waitRefused(t, namespace, "all"))
		if len(node.Grants()) != 0 {
			t.Error("GPUs were handed out")
		}
		f.cluster.remove(t, namespace, "all")
	})

	if err := node.SetHealthy(t.Context(), f.cluster.client, uuid, false); err != nil {
		t.Fatal(err)
	}
	t.Run("no pod gets it", func(t *testing.T) {
		for i := range 7 {
			name := fmt.Sprintf("single-%d", i)
			f.cluster.create(t, ask{gpus, 1, ""}.pod(namespace, name, gpuScheduler))
			f.cluster.waitBound(t, namespace, name)
		}
		f.waitHeld(t, "mocked", 7)
		for _, g := range node.Grants() {
			if slices.Contains(g.Devices, uuid) {
				t.Errorf("%s got the bad GPU", g.Pod)
			}
		}
		f.cluster.create(t, ask{gpus, 1, ""}.pod(namespace, "eighth", gpuScheduler))
		t.Logf("the scheduler says: %s", f.cluster.waitRefused(t, namespace, "eighth"))
	})
	t.Run("until it has recovered", func(t *testing.T) {
		play(t, reset)
		f.waitHealth(t, "mocked", bad, v1alpha1.Healthy)
		if err := node.SetHealthy(t.Context(), f.cluster.client, uuid, true); err != nil {
			t.Fatal(err)
		}
		f.cluster.waitBound(t, namespace, "eighth")
		f.expectGPUs(t, namespace, "eighth", "mocked", bad)
	})
	f.expectNoRefusal(t)
}

// waitHealth waits until a GPU, by position, is reported to be in a state.
func (f *fleet) waitHealth(t *testing.T, name string, gpu int, want v1alpha1.Health) *v1alpha1.GPUNode {
	t.Helper()
	return await.Success(t, patience, fmt.Sprintf("GPU %d of %s is reported %s", gpu, name, want), func() (*v1alpha1.GPUNode, error) {
		node, err := f.report(t.Context(), name)
		switch {
		case err != nil:
			return nil, err
		case len(node.Status.GPUs) <= gpu:
			return nil, errors.New("it is not reported at all")
		case node.Status.GPUs[gpu].Health != want:
			return nil, fmt.Errorf("it is reported %s", node.Status.GPUs[gpu].Health)
		}
		return node, nil
	})
}

// sequence is that of the newest report of a node.
func (f *fleet) sequence(t *testing.T, name string) int64 {
	t.Helper()
	object, err := f.cluster.gpuNodes.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	status, _ := object.Object["status"].(map[string]any)
	sequence, _ := status["sequence"].(int64)
	return sequence
}
