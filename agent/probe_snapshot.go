package agent

import (
	"context"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
)

// snapshotProbe reads a report that was captured elsewhere: a GPUNode, as
// `usher-agent --once -o yaml` prints it.
var snapshotProbe = Probe{
	Name:      "snapshot",
	Essential: true,
	Gather:    gatherSnapshot,
	Compute:   computeSnapshot,
}

func gatherSnapshot(_ context.Context, m *Machine, f *Facts) error {
	data, err := os.ReadFile(m.Snapshot)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	var node v1alpha1.GPUNode
	if err := yaml.UnmarshalStrict(data, &node); err != nil {
		return fmt.Errorf("read snapshot %s: %w", m.Snapshot, err)
	}
	if node.APIVersion != v1alpha1.GroupVersion.String() || node.Kind != "GPUNode" {
		return fmt.Errorf("read snapshot %s: it holds kind %q of %q; want GPUNode of %q", m.Snapshot, node.Kind, node.APIVersion, v1alpha1.GroupVersion)
	}
	f.Snapshot = &node.Status
	f.GPUs = nil
	for _, gpu := range node.Status.GPUs {
		f.GPUs = append(f.GPUs, GPUFacts{Identity: Identity{Index: int(gpu.Index), Minor: int(gpu.Index), UUID: gpu.UUID}})
	}
	return nil
}

func computeSnapshot(f *Facts, status *v1alpha1.GPUNodeStatus) {
	if f.Snapshot == nil {
		return
	}
	captured := f.Snapshot.DeepCopy()
	status.Driver, status.CUDA = captured.Driver, captured.CUDA
	status.GPUs, status.Links, status.NICs = captured.GPUs, captured.Links, captured.NICs
	status.Resources, status.Allocations = captured.Resources, captured.Allocations
}
