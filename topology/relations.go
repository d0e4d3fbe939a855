package topology

import "math/bits"

// relations are what requirements and ties look at.
type relations struct {
	// linked are the GPUs that each GPU has an NVLink to, and itself.
	linked [MaxGPUs]Set
	// nodes are the GPUs of each NUMA node, the first count of them; unknown those
	// whose node is not known.
	nodes   [MaxGPUs]Set
	count   int
	unknown Set
}

func relationsOf(gpus []GPU) relations {
	var r relations
	at := map[int]int{}
	for i, gpu := range gpus {
		r.linked[i] = Of(i)
		if gpu.NUMA < 0 {
			r.unknown = r.unknown.With(i)
			continue
		}
		node, ok := at[gpu.NUMA]
		if !ok {
			node = r.count
			at[gpu.NUMA] = node
			r.count++
		}
		r.nodes[node] = r.nodes[node].With(i)
	}
	return r
}

func (r *relations) link(a, b int) {
	r.linked[a], r.linked[b] = r.linked[a].With(b), r.linked[b].With(a)
}

func (r *relations) meets(s Set, needs Requirement) bool {
	switch {
	case needs == BestEffort || s&(s-1) == 0:
		return true
	case needs == NVLink:
		for left := s; left != 0; left &= left - 1 {
			if s&^r.linked[bits.TrailingZeros16(uint16(left))%MaxGPUs] != 0 {
				return false
			}
		}
		return true
	case needs == NUMA:
		for _, node := range r.nodes[:r.count] {
			if s&^node == 0 {
				return true
			}
		}
		return false
	default:
		return false
	}
}

// numaNodes counts the NUMA nodes of a set; GPUs whose node is not known count
// as on one more.
func (r *relations) numaNodes(s Set) int {
	count := 0
	for _, node := range r.nodes[:r.count] {
		if s&node != 0 {
			count++
		}
	}
	if s&r.unknown != 0 {
		count++
	}
	return count
}
