package extender

import (
	"slices"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/topology"
)

// occupancy says how many hold each unit of a board.
type occupancy []uint16

func (b *board) empty() occupancy { return make(occupancy, len(b.units)) }

// free is how many more may hold unit i: none of an unhealthy GPU, and none of a
// device that, whole or in part, is somebody's by another resource.
func (b *board) free(o occupancy, i int) int {
	u := &b.units[i]
	g := &b.gpus[u.gpu]
	if u.resource < 0 || g.health == v1alpha1.Unhealthy || g.mig != u.isMIG() || o[i] >= u.shares {
		return 0
	}
	for j := range b.units {
		other := &b.units[j]
		if o[j] == 0 || j == i || other.gpu != u.gpu {
			continue
		}
		if other.instance == u.instance || other.isMIG() != u.isMIG() {
			return 0
		}
	}
	return int(u.shares - o[i])
}

// freeGPUs is the set of GPUs that a resource of whole GPUs can still hand out.
func (b *board) freeGPUs(o occupancy, resource int) topology.Set {
	var s topology.Set
	for _, i := range b.resources[resource].units {
		if b.free(o, i) > 0 {
			s = s.With(b.units[i].gpu)
		}
	}
	return s
}

// usable is how many units of a resource pods could hold if nobody held any.
func (b *board) usable(resource string) int {
	r := b.resource(resource)
	if r < 0 {
		return 0
	}
	n := 0
	for _, i := range b.resources[r].units {
		u := &b.units[i]
		if g := &b.gpus[u.gpu]; g.health != v1alpha1.Unhealthy && g.mig == u.isMIG() {
			n += int(u.shares)
		}
	}
	return n
}

// take and leave count holders of units.
func (o occupancy) take(units []int) {
	for _, i := range units {
		o[i]++
	}
}

func (o occupancy) leave(units []int) {
	for _, i := range units {
		if o[i] > 0 {
			o[i]--
		}
	}
}

func (o occupancy) clone() occupancy { return slices.Clone(o) }

// gpusOf is the set of physical GPUs that units are on.
func (b *board) gpusOf(units []int) topology.Set {
	var s topology.Set
	for _, i := range units {
		s = s.With(b.units[i].gpu)
	}
	return s
}
