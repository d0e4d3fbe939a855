package extender

import "usher.dev/usher/topology"

// termRegret is what remains for the pods that come after: for sets of 1, 2, 4
// and 8 GPUs, how much worse the best free one gets. A set of k that was possible
// and is no more counts as k, one that is worse as its share of k. So a pod goes
// where it fits and leaves whole machines whole, as in FGD (Weng et al., ATC'23).
// It says nothing of pods without a whole GPU.
var termRegret = term{
	name: "regret", weight: 30, static: true,
	what:  "no free set of 1, 2, 4 or 8 GPUs gets worse or impossible",
	score: scoreRegret,
}

func scoreRegret(p *placement) float64 {
	score := float64(notAsked)
	for r := range p.board.resources {
		if !p.board.resources[r].whole {
			continue
		}
		var taken topology.Set
		for _, i := range p.pick.units {
			if p.board.units[i].resource == r {
				taken = taken.With(p.board.units[i].gpu)
			}
		}
		if taken == 0 {
			continue
		}
		lost, all := 0.0, 0.0
		for _, l := range p.board.links.regret(taking{p.board.freeGPUs(p.occupied, r), taken}) {
			size := float64(l.Size)
			all += size
			switch {
			case l.Before.GPUs == 0:
			case l.After.GPUs == 0:
				lost += size
			case l.After.Weight < l.Before.Weight:
				lost += size * float64(l.Before.Weight-l.After.Weight) / float64(l.Before.Weight)
			}
		}
		if kept := 1 - lost/all; score == notAsked || kept < score {
			score = kept
		}
	}
	return score
}
