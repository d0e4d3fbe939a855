package topology

// Choice is a set of GPUs and its weight, the sum over its pairs. The zero
// Choice is none.
type Choice struct {
	GPUs   Set
	Weight int
}

// Tables is what is known of one allocation state of a node. It does not change
// and may be used by many goroutines.
type Tables struct {
	graph *Graph
	free  Set
	// ideal, by requirement and size less one.
	ideal [requirements][MaxGPUs]Choice
	// picks, by size less one.
	picks [MaxGPUs]picks
}

// Tables works out the best sets of every size of those GPUs that are free.
func (g *Graph) Tables(free Set) *Tables {
	t := &Tables{graph: g, free: free & g.All()}
	g.search(t.free, &t.ideal)
	return t
}

// Free is the set of free GPUs that the tables are about.
func (t *Tables) Free() Set { return t.free }

// Best is the best set of k free GPUs that meets a requirement; false if there
// is none. Of sets that weigh the same, the best is the one whose taking is
// least to be regretted (see Regret), then the one on the fewest NUMA nodes,
// then the one with the lowest indices. To ask more than once of one state, ask
// its Tables.
func (g *Graph) Best(free Set, k int, r Requirement) (Choice, bool) {
	return g.Tables(free).Ideal(k, r)
}

// Ideal is Best of the free GPUs.
func (t *Tables) Ideal(k int, r Requirement) (Choice, bool) {
	if k < 1 || k > MaxGPUs || r >= requirements {
		return Choice{}, false
	}
	c := t.ideal[r][k-1]
	return c, c.GPUs != 0
}
