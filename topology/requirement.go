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

// Meets reports whether the GPUs of a set meet a requirement.
func (g *Graph) Meets(s Set, r Requirement) bool {
	switch {
	case r == BestEffort || s.Len() < 2:
		return true
	case r == NVLink:
		for i := range s.Members() {
			if s&^g.linked[i] != 0 {
				return false
			}
		}
		return true
	case r == NUMA:
		return s&g.unknown == 0 && g.numaNodes(s) == 1
	default:
		return false
	}
}
