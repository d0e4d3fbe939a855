package agent

import (
	"context"
	"fmt"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/gpunode"
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
	nodes, err := gpunode.Read([]string{m.Snapshot}, nil)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	if len(nodes) != 1 {
		return fmt.Errorf("read snapshot: %s holds %d GPUNodes, and a node has one", m.Snapshot, len(nodes))
	}
	f.Snapshot = &nodes[0].Status
	f.GPUs = nil
	for _, gpu := range f.Snapshot.GPUs {
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
