package extender

import (
	"math"

	"usher.dev/usher/topology"
)

// termLinks is how well the GPUs reach each other that the device plugin is
// predicted to pick: two thirds the slowest pair, which bounds an all-reduce,
// and one third the mean of all pairs. The scale is absolute, so that it compares
// nodes of different builds: from 0 to 0.4 for the six PCIe levels, SYS to PSB,
// from 0.6 for one NVLink to 1 for 18 and more. It says nothing of one
// GPU alone.
var termLinks = term{
	name: "links", weight: 40, static: true,
	what:  "the predicted GPUs have 18 NVLinks or more between every two; the slowest pair counts twice the mean",
	score: scoreLinks,
}

const (
	// pcieTop is what the closest PCIe path is worth.
	pcieTop = 0.4
	// nvlinkBase is what an NVLink is worth beside its lanes.
	nvlinkBase = 0.5
	// fullLanes is the most NVLinks of one GPU since Hopper.
	fullLanes = 18
)

func scoreLinks(p *placement) float64 {
	slowest, sum, pairs := 1.0, 0.0, 0
	for a := range p.gpus.Members() {
		for b := range p.gpus.Members() {
			if a >= b {
				continue
			}
			q := linkQuality(p.board.links.Link(a, b))
			slowest = min(slowest, q)
			sum += q
			pairs++
		}
	}
	if pairs == 0 {
		return notAsked
	}
	return (2*slowest + sum/float64(pairs)) / 3
}

// linkQuality is what a link is worth, from 0 to 1.
func linkQuality(l topology.Link) float64 {
	if l.Lanes <= 0 {
		return pcieTop * float64(l.Path) / float64(topology.PSB)
	}
	lanes := float64(min(l.Lanes, fullLanes))
	return nvlinkBase + (1-nvlinkBase)*math.Log2(1+lanes)/math.Log2(1+fullLanes)
}
