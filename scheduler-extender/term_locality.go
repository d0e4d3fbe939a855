package extender

// termLocality is how near the other pods of the job are that run already: those
// on the node and in its fabric clique, which NVLink reaches, count 1, others in
// the rack 0.5, others 0; the mean of all. It says nothing of a pod whose job has
// no other running.
var termLocality = term{
	name: "locality", weight: 30,
	what:  "all other pods of the job are on the node or in its fabric clique",
	score: scoreLocality,
}

const rackWorth = 0.5

func scoreLocality(p *placement) float64 {
	if p.peers == nil || p.peers.total == 0 {
		return notAsked
	}
	near := p.peers.nodes[p.node.name]
	if clique := p.node.board.clique; clique != "" {
		near = max(near, p.peers.cliques[clique])
	}
	rack := near
	if p.node.rack != "" {
		rack = max(near, p.peers.racks[p.node.rack])
	}
	return (float64(near) + rackWorth*float64(rack-near)) / float64(p.peers.total)
}
