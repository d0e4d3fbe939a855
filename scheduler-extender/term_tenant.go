package extender

// termTenant is whether the node is in the pool of the pod's tenant. A tenant
// with soft isolation may use others, and leaves them to those who have no pool.
// It says nothing of pods whose tenant has no pool.
var termTenant = term{
	name: "tenant", weight: 10,
	what:  "the node is in the pool of the pod's tenant",
	score: scoreTenant,
}

func scoreTenant(p *placement) float64 {
	switch {
	case !p.guest.pooled:
		return notAsked
	case p.guest.owns(p.node.owners):
		return 1
	}
	return 0
}
