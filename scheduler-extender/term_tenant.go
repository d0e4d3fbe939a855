package extender

// termTenant is whether the node is in the pool of the pod's tenant. A tenant
// with soft isolation may use others, and leaves them to those who have no pool.
// Pods whose tenant has no pool have 1 everywhere.
var termTenant = term{
	name: "tenant", weight: 10,
	what:  "the node is in the pool of the pod's tenant, or the tenant has none",
	score: scoreTenant,
}

func scoreTenant(p *placement) float64 {
	if p.guest.pooled && !p.guest.owns(p.node.owners) {
		return 0
	}
	return 1
}
