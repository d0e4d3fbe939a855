package topology

import "math/bits"

// search looks at every subset of the free GPUs once, at most 65,535 of them.
func (g *Graph) search(free Set, ideal *[requirements][MaxGPUs]Choice) {
	p := positionsOf(free)
	weightList, restList := int32s.get(1<<p.n), remainders.get(1<<p.n)
	defer int32s.put(weightList)
	defer remainders.put(restList)
	weights, rests := *weightList, *restList
	p.weigh(weights, g.Weight)
	spread(weights, rests)

	all := subset(1<<p.n - 1)
	s := searcher{relations: p.relations(g), before: rests[all], n: p.n}
	for set := subset(1); set <= all; set++ {
		s.offer(candidate{set: set, weight: weights[set], rest: rests[all&^set]})
	}
	for r := range s.best {
		for k, c := range s.best[r][:p.n] {
			if c.set != 0 {
				ideal[r][k] = Choice{p.expand(c.set), int(c.weight)}
			}
		}
	}
}

// remainder is the weight of the best sets of 2, 4 and 8 of some GPUs, impossible
// where there are fewer.
type remainder [3]int32

const impossible = -1

var remainders lists[remainder]

// spread fills in the remainder of every subset: the most of what its own
// subsets weigh, collected one member at a time.
func spread(weights []int32, rests []remainder) {
	for s, weight := range weights {
		rests[s] = remainder{impossible, impossible, impossible}
		switch bits.OnesCount(uint(s)) {
		case 2:
			rests[s][0] = weight
		case 4:
			rests[s][1] = weight
		case 8:
			rests[s][2] = weight
		}
	}
	for half := 1; half < len(rests); half *= 2 {
		for at := 0; at < len(rests); at += 2 * half {
			without, with := rests[at:at+half], rests[at+half:at+2*half]
			for i := range without {
				a, b := &without[i], &with[i]
				b[0], b[1], b[2] = max(b[0], a[0]), max(b[1], a[1]), max(b[2], a[2])
			}
		}
	}
}

// candidate is a set that may be the best of its size.
type candidate struct {
	set    subset
	weight int32
	rest   remainder
}

// searcher keeps the best candidates of each size for each requirement.
type searcher struct {
	relations
	before remainder
	n      int
	best   [requirements][MaxGPUs]candidate
}

// offer keeps a candidate where it is better than those before it.
func (s *searcher) offer(c candidate) {
	k := bits.OnesCount32(c.set) - 1
	for r := range s.best {
		best := &s.best[r][k]
		switch {
		case c.weight < best.weight && best.set != 0:
		case !s.meets(Set(c.set), Requirement(r)):
		case c.weight > best.weight || best.set == 0 || s.better(&c, best):
			*best = c
		}
	}
}

// better reports whether a goes before b, which has the same size and weight.
func (s *searcher) better(a, b *candidate) bool {
	if a.rest != b.rest {
		if x, y := s.regret(a), s.regret(b); x != y {
			return x < y
		}
	}
	if x, y := s.numaNodes(Set(a.set)), s.numaNodes(Set(b.set)); x != y {
		return x < y
	}
	differ := a.set ^ b.set
	return a.set&differ&-differ != 0
}

// regret is Regret.Millionths of taking the candidate.
func (s *searcher) regret(c *candidate) int {
	left := s.n - bits.OnesCount32(c.set)
	var sum lossSum
	sum.add(0, s.n > 0, 0, left > 0)
	for i, before := range s.before {
		sum.add(int(before), before != impossible, int(c.rest[i]), c.rest[i] != impossible)
	}
	return sum.mean()
}
