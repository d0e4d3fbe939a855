package agent

import (
	"context"

	"usher.dev/usher/api/v1alpha1"
)

// fabricProbe tells which NVLink domain a GPU has joined. Whether it could, the
// health probe judges.
var fabricProbe = Probe{
	Name:    "fabric",
	Gather:  gatherFabric,
	Compute: computeFabric,
}

func gatherFabric(_ context.Context, _ *Machine, f *Facts) error {
	return f.eachGPU(func(device Device, gpu *GPUFacts) error {
		state, err := device.Fabric()
		if err == nil {
			gpu.Fabric = state
		}
		return err
	})
}

func computeFabric(f *Facts, status *v1alpha1.GPUNodeStatus) {
	for i, g := range f.GPUs {
		if g.Fabric.Completed && g.Fabric.Failure == "" && g.Fabric.ClusterUUID != "" {
			status.GPUs[i].Fabric = &v1alpha1.Fabric{ClusterUUID: g.Fabric.ClusterUUID, Clique: g.Fabric.Clique}
		}
	}
}
