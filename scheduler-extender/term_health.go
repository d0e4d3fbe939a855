package extender

import "usher.dev/usher/api/v1alpha1"

// termHealth is how well the predicted GPUs are and how idle. A degraded one
// brings all to a quarter, since the others wait for it. What they are busy with
// though nobody holds them, or with whom they are shared, costs up to half.
var termHealth = term{
	name: "health", weight: 20, static: true,
	what:  "all predicted GPUs are healthy, and neither busy nor filled",
	score: scoreHealth,
}

// degradedWorth is what a set with a degraded GPU is worth.
const degradedWorth = 0.25

func scoreHealth(p *placement) float64 {
	worth, load := 1.0, 0.0
	for i := range p.gpus.Members() {
		g := &p.board.gpus[i]
		if g.health != v1alpha1.Healthy {
			worth = degradedWorth
		}
		load += float64(g.utilization+g.memoryUsed) / 200
	}
	if n := p.gpus.Len(); n > 0 {
		load /= float64(n)
	}
	return worth * (1 - min(load, 1)/2)
}
