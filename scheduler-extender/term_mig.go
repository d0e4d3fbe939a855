package extender

import (
	"slices"

	"usher.dev/usher/topology"
)

// termMIG is how well parts of GPUs fit: for a MIG device how many placements for
// GPU instances its GPU keeps, so that large ones stay possible; for a share how
// full its GPU gets, so that whole GPUs stay whole. It is the mean over the
// predicted parts, and says nothing of pods that ask for whole GPUs.
var termMIG = term{
	name: "mig", weight: 20, static: true,
	what:  "the parts of GPUs that are taken leave all placements for larger MIG instances, or fill a shared GPU",
	score: scoreMIG,
}

func scoreMIG(p *placement) float64 {
	sum, parts := 0.0, 0
	after := p.occupied.clone()
	after.take(p.pick.units)
	for _, i := range p.pick.units {
		u := &p.board.units[i]
		switch {
		case u.isMIG():
			instances, at := p.board.instancesOf(p.occupied, i)
			sum += 1 - float64(topology.RegretMIG(p.board.gpus[u.gpu].slices, instances, at).Millionths())/topology.Whole
		case u.shares > 1:
			sum += float64(after[i]) / float64(u.shares)
		default:
			continue
		}
		parts++
	}
	if parts == 0 {
		return notAsked
	}
	return sum / float64(parts)
}

// instancesOf lists the MIG devices of the GPU of unit i, and where i is among
// them.
func (b *board) instancesOf(o occupancy, i int) (instances []topology.MIGInstance, at int) {
	for j := range b.units {
		u := &b.units[j]
		if u.gpu != b.units[i].gpu || !u.isMIG() {
			continue
		}
		// A device that several resources know is one instance.
		k := slices.IndexFunc(instances, func(m topology.MIGInstance) bool { return m.Start == u.instance.Start && m.Size == u.instance.Size })
		if k < 0 {
			k = len(instances)
			instances = append(instances, u.instance)
		}
		instances[k].Held = instances[k].Held || o[j] > 0
		if u.instance == b.units[i].instance {
			at = k
		}
	}
	return instances, at
}
