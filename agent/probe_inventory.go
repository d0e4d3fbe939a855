package agent

import (
	"context"

	"usher.dev/usher/api/v1alpha1"
)

// inventoryProbe tells which GPUs there are, and where on the machine.
var inventoryProbe = Probe{
	Name:      "inventory",
	Essential: true,
	Gather:    gatherInventory,
	Compute:   computeInventory,
}

func gatherInventory(_ context.Context, m *Machine, f *Facts) error {
	session, err := m.Driver.Open()
	f.Driver.Err = err
	if err != nil {
		f.Driver.devices = nil
		return err
	}
	f.Driver.Version, f.Driver.CUDA = session.Version, session.CUDA
	f.Driver.Unknown = session.Unknown
	f.Driver.devices = session.Devices
	if len(f.Driver.devices) > v1alpha1.MaxGPUs {
		f.Driver.devices = f.Driver.devices[:v1alpha1.MaxGPUs]
	}
	if f.Driver.Session != 0 && f.Driver.Session != session.Number {
		// The driver was loaded anew: what was held against GPUs before is over.
		f.Marks = nil
	}
	f.Driver.Session = session.Number
	before := f.GPUs
	f.GPUs = make([]GPUFacts, len(f.Driver.devices))
	for i, device := range f.Driver.devices {
		gpu := &f.GPUs[i]
		identity := device.Identity()
		for _, old := range before {
			if old.UUID == identity.UUID {
				*gpu = old
			}
		}
		gpu.Identity, gpu.Lost = identity, nil
		gpu.Place = place(m.Sysfs, identity.PCIBusID)
	}
	return nil
}

func computeInventory(f *Facts, status *v1alpha1.GPUNodeStatus) {
	status.Driver, status.CUDA = f.Driver.Version, f.Driver.CUDA
	status.GPUs = nil
	for _, g := range f.GPUs {
		status.GPUs = append(status.GPUs, v1alpha1.GPU{
			Index:        int32(g.Index),
			UUID:         g.UUID,
			Model:        g.Model,
			Architecture: g.Architecture,
			MemoryMiB:    g.MemoryMiB,
			PCIBusID:     g.PCIBusID,
			NUMANode:     g.Place.NUMANode,
			CPUAffinity:  g.Place.CPUs,
		})
	}
}
