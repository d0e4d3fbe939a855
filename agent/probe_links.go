package agent

import (
	"context"

	"usher.dev/usher/api/v1alpha1"
)

// linksProbe tells how GPUs reach each other.
var linksProbe = Probe{
	Name:      "links",
	Essential: true,
	Gather:    gatherLinks,
	Compute:   computeLinks,
}

func gatherLinks(_ context.Context, _ *Machine, f *Facts) error {
	return f.eachGPU(func(device Device, gpu *GPUFacts) error {
		links, err := device.NVLinks()
		if err != nil {
			return err
		}
		gpu.Links = links
		var ancestors []v1alpha1.PCIePath
		for _, other := range f.Driver.devices {
			if other == device {
				break
			}
			ancestor, err := device.CommonAncestor(other)
			if err != nil {
				return err
			}
			ancestors = append(ancestors, ancestor)
		}
		gpu.Ancestors = ancestors
		return nil
	})
}

func computeLinks(f *Facts, status *v1alpha1.GPUNodeStatus) {
	status.Links = nil
	for a := range f.GPUs {
		for b := a + 1; b < len(f.GPUs); b++ {
			status.Links = append(status.Links, linkBetween(f, a, b))
		}
	}
}

func linkBetween(f *Facts, a, b int) v1alpha1.GPULink {
	link := v1alpha1.GPULink{A: int32(a), B: int32(b)}
	gpuA, gpuB := &f.GPUs[a], &f.GPUs[b]
	if a < len(gpuB.Ancestors) {
		link.Path = gpuB.Ancestors[a]
	}
	if link.Path == "" {
		link.Path = pathBetween(gpuA.Place, gpuB.Place)
	}
	// An end that is down takes the lane with it, whichever end it is.
	if direct := min(gpuA.lanesTo(gpuB), gpuB.lanesTo(gpuA)); direct > 0 {
		link.NVLinkLanes = int32(direct)
		return link
	}
	if switched := min(gpuA.lanesToSwitch(), gpuB.lanesToSwitch()); switched > 0 && sameClique(gpuA.Fabric, gpuB.Fabric) {
		link.NVLinkLanes, link.NVSwitch = int32(switched), true
	}
	return link
}

// lanesTo counts active links that lead straight to another GPU.
func (g *GPUFacts) lanesTo(other *GPUFacts) int {
	lanes := 0
	for _, link := range g.Links {
		if link.Active && !link.Switch && link.Peer == other.PCIBusID {
			lanes++
		}
	}
	return lanes
}

// lanesToSwitch counts active links that lead to an NVSwitch.
func (g *GPUFacts) lanesToSwitch() int {
	lanes := 0
	for _, link := range g.Links {
		if link.Active && link.Switch {
			lanes++
		}
	}
	return lanes
}

// activeLanes counts active links.
func (g *GPUFacts) activeLanes() int {
	lanes := 0
	for _, link := range g.Links {
		if link.Active {
			lanes++
		}
	}
	return lanes
}

// sameClique says whether switches carry traffic between two GPUs: fabrics may
// be partitioned.
func sameClique(a, b FabricState) bool {
	return a.ClusterUUID == b.ClusterUUID && a.Clique == b.Clique
}
