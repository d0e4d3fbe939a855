package agent

import (
	"context"
	"io/fs"

	"usher.dev/usher/api/v1alpha1"
)

// A Probe reads one kind of fact and says what it means.
type Probe struct {
	Name string

	// Essential says that pods must not be placed by a report without it.
	Essential bool

	// Gather reads the machine. What it could not read, it leaves as it was.
	Gather func(context.Context, *Machine, *Facts) error

	// Compute writes what the facts say into the report: no I/O, no clock, the
	// same report for the same facts.
	Compute func(*Facts, *v1alpha1.GPUNodeStatus)
}

// Machine is where facts are read.
type Machine struct {
	Driver Driver

	// Sysfs is laid out like /sys.
	Sysfs fs.FS

	// Kubelet is nil where there is none; devices are then taken to be handed
	// out as NVIDIA's device plugin does it by default, and held by nobody.
	Kubelet Kubelet

	// Pod is the namespace and name, with a slash between, of the pod that the
	// agent runs in; empty outside of one. The kubelet is believed only while it
	// lists that pod.
	Pod string

	// Snapshot is a file with a GPUNode, instead of the driver and sysfs.
	Snapshot string
}

// Probes returns the probes of a machine, in the order in which they run: later
// ones build on what earlier ones have read.
func Probes(m *Machine) []Probe {
	if m.Snapshot != "" {
		return []Probe{snapshotProbe, allocationProbe}
	}
	return []Probe{
		inventoryProbe,
		nicsProbe,
		linksProbe,
		fabricProbe,
		migProbe,
		healthProbe,
		utilizationProbe,
		allocationProbe,
	}
}
