package main

import "time"

// size is a cluster, of which every node has eight GPUs.
type size struct {
	nodes, tenants int
}

// What there is in a cluster of a size. A pod of one GPU holds each GPU, and as many
// pods without are on each node as agents, exporters and small services come to.
const (
	gpusPerNode         = 8
	otherPodsPerNode    = 10
	namespacesPerTenant = 5
)

func (s size) namespaces() int { return s.tenants * namespacesPerTenant }
func (s size) gpuPods() int    { return s.nodes * gpusPerNode }
func (s size) pods() int       { return s.nodes * (gpusPerNode + otherPodsPerNode) }

// schedule is how much is measured.
type schedule struct {
	sizes []size
	// replicas is up to how many webhooks are compared.
	replicas int
	// pods are created in each round under each number of replicas, of each workload,
	// by so many clients.
	rounds, pods, clients int
	// reports are written by agents, changes told to an extender, and decisions
	// asked of it.
	reports, changes, decisions int
	// rest is how long a process is let alone before its memory at rest is read.
	rest time.Duration
	// watched is for how long an agent is watched.
	watched time.Duration
}

func scheduleOf(quick bool) schedule {
	if quick {
		return schedule{
			sizes:    []size{{nodes: 20, tenants: 2}},
			replicas: 2, rounds: 1, pods: 20, clients: 8, reports: 10, changes: 10, decisions: 3,
			rest: 100 * time.Millisecond, watched: 3 * time.Second,
		}
	}
	return schedule{
		sizes:    []size{{nodes: 100, tenants: 10}, {nodes: 1000, tenants: 50}, {nodes: 10_000, tenants: 500}},
		replicas: 4, rounds: 3, pods: 300, clients: 48, reports: 1000, changes: 2000, decisions: 40,
		rest: 10 * time.Second, watched: 30 * time.Second,
	}
}
