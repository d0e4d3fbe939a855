package agent

import (
	"cmp"
	"context"
	"slices"

	"usher.dev/usher/api/v1alpha1"
)

// migProbe tells how GPUs are partitioned.
var migProbe = Probe{
	Name:      "mig",
	Essential: true,
	Gather:    gatherMIG,
	Compute:   computeMIG,
}

func gatherMIG(_ context.Context, _ *Machine, f *Facts) error {
	return f.eachGPU(func(device Device, gpu *GPUFacts) error {
		mig, err := device.MIG()
		if err == nil {
			gpu.MIG = mig
		}
		return err
	})
}

func computeMIG(f *Facts, status *v1alpha1.GPUNodeStatus) {
	for i, g := range f.GPUs {
		mig := g.MIG.DeepCopy()
		if mig != nil {
			slices.SortFunc(mig.Instances, func(a, b v1alpha1.MIGInstance) int {
				return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.UUID, b.UUID))
			})
		}
		status.GPUs[i].MIG = mig
	}
}
