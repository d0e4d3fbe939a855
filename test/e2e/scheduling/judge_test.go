package scheduling

import (
	"fmt"
	"slices"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/gpunode"
	"usher.dev/usher/test/e2e/fakenode"
	"usher.dev/usher/topology"
)

const (
	gpus   = "nvidia.com/gpu"
	shares = "nvidia.com/gpu.shared"
)

// What a pod may require of its GPUs' links.
const (
	bestEffort = "best-effort"
	nvlink     = "nvlink"
	numa       = "numa"
)

// violation says in which way the whole GPUs that a pod was handed miss what it
// requires, and nothing when they do not. It reads the hardware for itself and
// asks none of usher's code.
func violation(hardware *v1alpha1.GPUNode, devices []string, required string) string {
	positions := positionsOf(hardware, devices)
	switch required {
	case nvlink:
		for i, a := range positions {
			for _, b := range positions[i+1:] {
				linked := slices.ContainsFunc(hardware.Status.Links, func(l v1alpha1.GPULink) bool {
					return int(l.A) == min(a, b) && int(l.B) == max(a, b) && l.NVLinkLanes > 0
				})
				if !linked {
					return fmt.Sprintf("GPUs %d and %d are not linked by NVLink", a, b)
				}
			}
		}
	case numa:
		first := hardware.Status.GPUs[positions[0]].NUMANode
		for _, p := range positions {
			node := hardware.Status.GPUs[p].NUMANode
			if node == nil || first == nil || *node != *first {
				return fmt.Sprintf("GPUs %d and %d are not known to be of one NUMA node", positions[0], p)
			}
		}
	}
	return ""
}

// weight is the link weight of whole GPUs.
func weight(hardware *v1alpha1.GPUNode, devices []string) (int, error) {
	graph, err := gpunode.Graph(hardware)
	if err != nil {
		return 0, err
	}
	return graph.SetWeight(topology.Of(positionsOf(hardware, devices)...)), nil
}

func positionsOf(hardware *v1alpha1.GPUNode, devices []string) []int {
	var positions []int
	for i, gpu := range hardware.Status.GPUs {
		if slices.Contains(devices, gpu.UUID) {
			positions = append(positions, i)
		}
	}
	return positions
}

// doubleBooked names the devices that two containers hold at once, or that are
// a GPU and a part of it.
func doubleBooked(n *fakenode.Node) []string {
	var doubled []string
	holder := map[string]string{}
	for _, g := range n.Grants() {
		for _, id := range g.Devices {
			if other, taken := holder[id]; taken {
				doubled = append(doubled, fmt.Sprintf("%s on %s is held by %s and %s", id, n.Name(), other, g.Pod))
			}
			holder[id] = g.Pod
		}
	}
	return doubled
}
