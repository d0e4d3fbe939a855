package extender

import (
	"slices"

	"usher.dev/usher/topology"
)

// pick is which units a pod is predicted to get.
type pick struct {
	// containers are the units of each container of the demand.
	containers [][]int
	// units are those of all containers together, each once for every holder.
	units []int
	// unsure says that the kubelet or the device plugin may as well pick others
	// that do not meet the requirement.
	unsure bool
}

// shortage is what a pod lacks on a node.
type shortage struct {
	resource   string
	want, free int
}

// admit predicts what the kubelet's device manager hands to a pod, container by
// container, and takes it in o. A container's devices come from those of the
// init containers before it as far as they go; the rest are picked by the device
// plugin (k8s.io/kubernetes/pkg/kubelet/cm/devicemanager, devicesToAllocate).
// What an init container got is free for those after it; what a sidecar got,
// and an app container, is not. On a shortage o is not to be used any more.
func (b *board) admit(o occupancy, d *demand) (pick, *shortage) {
	p := pick{containers: make([][]int, 0, len(d.containers))}
	var reusable []int
	for _, c := range d.containers {
		var got []int
		for _, want := range c.devices {
			units, sure, short := b.allocate(o, d, want, reusable)
			if short != nil {
				return pick{}, short
			}
			p.unsure = p.unsure || !sure
			got = append(got, units...)
		}
		for _, i := range got {
			if at := slices.Index(reusable, i); at >= 0 {
				reusable = slices.Delete(reusable, at, at+1)
			} else {
				p.units = append(p.units, i)
			}
		}
		if c.role == roleInit {
			reusable = append(reusable, got...)
		}
		p.containers = append(p.containers, got)
	}
	return p, nil
}

// allocate picks units of one resource for one container, and takes those that
// are not reused. sure says that every possible pick meets the requirement.
func (b *board) allocate(o occupancy, d *demand, want deviceCount, reusable []int) (units []int, sure bool, short *shortage) {
	r := b.resource(want.resource)
	if r < 0 {
		return nil, false, &shortage{want.resource, want.count, 0}
	}
	for _, i := range reusable {
		if b.units[i].resource == r && len(units) < want.count {
			units = append(units, i)
		}
	}
	missing := want.count - len(units)
	if missing == 0 {
		return units, true, nil
	}
	if b.resources[r].whole {
		return b.pickWhole(o, d, r, want, units)
	}
	return b.spread(o, d, r, want, units)
}

// pickWhole picks whole GPUs as NVIDIA's device plugin does.
func (b *board) pickWhole(o occupancy, d *demand, r int, want deviceCount, reused []int) ([]int, bool, *shortage) {
	free := b.freeGPUs(o, r)
	missing := want.count - len(reused)
	if missing > free.Len() {
		return nil, false, &shortage{want.resource, want.count, free.Len() + len(reused)}
	}
	tables := b.links.of(free)
	choice, ok := tables.Predicted(missing)
	if !ok {
		return nil, false, &shortage{want.resource, want.count, free.Len() + len(reused)}
	}
	units := reused
	for _, i := range b.resources[r].units {
		if choice.GPUs.Has(b.units[i].gpu) {
			units = append(units, i)
			o[i]++
		}
	}
	return units, tables.Assured(missing, d.requirement), nil
}

// spread picks shares and MIG devices, which the device plugin takes where the
// fewest are held, whatever their links. Among equals it goes by chance; usher
// predicts the first, and trusts a requirement only to hold where it holds for
// all GPUs that might be picked.
func (b *board) spread(o occupancy, d *demand, r int, want deviceCount, reused []int) ([]int, bool, *shortage) {
	units := reused
	var candidates topology.Set
	room := len(reused)
	for _, i := range b.resources[r].units {
		if n := b.free(o, i); n > 0 {
			room += n
			candidates = candidates.With(b.units[i].gpu)
		}
	}
	if room < want.count {
		return nil, false, &shortage{want.resource, want.count, room}
	}
	for len(units) < want.count {
		best := -1
		for _, i := range b.resources[r].units {
			if b.free(o, i) > 0 && (best < 0 || o[i] < o[best]) {
				best = i
			}
		}
		units = append(units, best)
		o[best]++
	}
	return units, want.count == 1 || b.links.Meets(candidates|b.gpusOf(reused), d.requirement), nil
}

// meets says whether a pick meets a requirement, however the choice between
// equal picks falls. Two MIG devices have no NVLink between them, be they on one
// GPU or on two (NVIDIA MIG User Guide, "Application Considerations").
func (b *board) meets(p *pick, r topology.Requirement) bool {
	if r == topology.BestEffort {
		return true
	}
	if p.unsure || !b.links.Meets(b.gpusOf(p.units), r) {
		return false
	}
	return r != topology.NVLink || len(p.units) < 2 || !slices.ContainsFunc(p.units, func(i int) bool { return b.units[i].isMIG() })
}
