package topology

import "fmt"

// Requirement is what a pod needs of the links between its GPUs. One GPU alone
// meets every requirement.
type Requirement uint8

// The requirements.
const (
	// BestEffort: any GPUs do.
	BestEffort Requirement = iota
	// NVLink: every two GPUs have an NVLink, direct or through NVSwitches.
	NVLink
	// NUMA: all GPUs are on one NUMA node, and it is known.
	NUMA
)

const requirements = 3

// String is the value of the pod annotation usher.dev/gpu-topology.
func (r Requirement) String() string {
	switch r {
	case BestEffort:
		return "best-effort"
	case NVLink:
		return "nvlink"
	case NUMA:
		return "numa"
	default:
		return fmt.Sprintf("Requirement(%d)", uint8(r))
	}
}

// ParseRequirement reads what String prints.
func ParseRequirement(name string) (Requirement, error) {
	for r := range Requirement(requirements) {
		if r.String() == name {
			return r, nil
		}
	}
	return BestEffort, fmt.Errorf("%q is no GPU topology; nvlink, numa and best-effort are", name)
}
