package topology

import (
	"math/bits"
	"sync"
)

// subset is a set of positions in a list of at most MaxGPUs free GPUs: the
// searches number the free GPUs from 0, so that they visit no taken one.
type subset = uint32

// positions are the free GPUs by position.
type positions struct {
	gpus [MaxGPUs]uint8
	n    int
}

func positionsOf(free Set) positions {
	var p positions
	for i := range free.Members() {
		p.gpus[p.n] = uint8(i)
		p.n++
	}
	return p
}

// expand turns positions to GPUs.
func (p *positions) expand(s subset) Set {
	var out Set
	for ; s != 0; s &= s - 1 {
		out |= 1 << p.gpus[bits.TrailingZeros32(s)]
	}
	return out
}

// compress turns GPUs to positions, those that are free.
func (p *positions) compress(s Set) subset {
	var out subset
	for i, gpu := range p.gpus[:p.n] {
		out |= subset(s>>gpu&1) << i
	}
	return out
}

// relations are those of the free GPUs, by position.
func (p *positions) relations(g *Graph) relations {
	r := relations{count: g.count, unknown: Set(p.compress(g.unknown))}
	for i, gpu := range p.gpus[:p.n] {
		r.linked[i] = Set(p.compress(g.linked[gpu]))
	}
	for i, node := range g.nodes[:g.count] {
		r.nodes[i] = Set(p.compress(node))
	}
	return r
}

// weigh fills in the weight of every subset. All pairs of a subset but that of
// its two lowest members are in it without the one or without the other.
func (p *positions) weigh(weights []int32, pair func(a, b int) int) {
	var w [MaxGPUs][MaxGPUs]int32
	for a := range p.n {
		for b := range a {
			w[b][a] = int32(pair(int(p.gpus[b]), int(p.gpus[a])))
		}
	}
	weights[0] = 0
	for s := subset(1); s < subset(len(weights)); s++ {
		rest := s & (s - 1)
		if rest == 0 {
			weights[s] = 0
			continue
		}
		low, second := s^rest, rest&-rest
		a, b := bits.TrailingZeros32(low)%MaxGPUs, bits.TrailingZeros32(second)%MaxGPUs
		weights[s] = weights[rest] + weights[s^second] - weights[rest^second] + w[a][b]
	}
}

// lowest are the size lowest members.
func lowest(s subset, size int) subset {
	rest := s
	for range size {
		rest &= rest - 1
	}
	return s ^ rest
}

// next is the subset of among that follows t in the order of numbers among
// those with as many members; 0 after the last. The first is lowest.
func next(t, among subset) subset {
	carried := ((t | ^among) + t&-t) & among
	if carried == 0 {
		return 0
	}
	return carried | lowest(among, bits.OnesCount32(t)-bits.OnesCount32(carried))
}

// lists recycles lists with an entry for each subset: they are large, and
// needed for less than a millisecond.
type lists[T any] struct{ pool sync.Pool }

// get gives a list of at least that length, cut to it; its content is stale.
func (l *lists[T]) get(length int) *[]T {
	list, _ := l.pool.Get().(*[]T)
	if list == nil || cap(*list) < length {
		list = new(make([]T, length))
	}
	*list = (*list)[:length]
	return list
}

func (l *lists[T]) put(list *[]T) { l.pool.Put(list) }

var int32s lists[int32]
