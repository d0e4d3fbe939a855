package extender

import (
	"encoding/binary"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"usher.dev/usher/topology"
)

const (
	// maxShapes bounds the link graphs that are remembered: a fleet has a
	// handful, one for each kind of machine and set of broken links.
	maxShapes = 1024
	// maxTables bounds the allocation states of one graph that are remembered:
	// all of those of 8 GPUs, and those in use of 16.
	maxTables = 1024
)

// links is the graph of a node's GPUs. Nodes of the same build share one, and
// what was worked out on it: tables depend on which GPUs are free, on nothing
// else.
type links struct {
	*topology.Graph
	key     string // equal for equal graphs
	tables  *lru.Cache[topology.Set, *topology.Tables]
	regrets *lru.Cache[taking, topology.Regret]
}

// taking is a set of free GPUs and those that are taken of it.
type taking struct{ free, taken topology.Set }

func newLinks(g *topology.Graph, key string) *links {
	return &links{g, key, newLRU[topology.Set, *topology.Tables](maxTables), newLRU[taking, topology.Regret](maxTables)}
}

func newLRU[K comparable, V any](size int) *lru.Cache[K, V] {
	c, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // the size is not above 0
	}
	return c
}

// of returns the tables of a set of free GPUs.
func (l *links) of(free topology.Set) *topology.Tables {
	if t, ok := l.tables.Get(free); ok {
		return t
	}
	t := l.Tables(free)
	l.tables.Add(free, t)
	return t
}

// regret is what taking some of the free GPUs does to the best sets.
func (l *links) regret(t taking) topology.Regret {
	if r, ok := l.regrets.Get(t); ok {
		return r
	}
	r := l.of(t.free).Regret(t.taken)
	l.regrets.Add(t, r)
	return r
}

// shapes are the graphs of the fleet.
type shapes struct {
	mu     sync.Mutex
	graphs *lru.Cache[string, *links]
}

func newShapes() *shapes { return &shapes{graphs: newLRU[string, *links](maxShapes)} }

// intern returns the one links of all graphs that are equal to g.
func (s *shapes) intern(g *topology.Graph) *links {
	key := []byte{byte(g.Len())} //nolint:gosec // at most 16
	for i := range g.Len() {
		key = binary.AppendVarint(key, int64(g.GPU(i).NUMA))
		for j := range i {
			l := g.Link(i, j)
			lanes := uint64(l.Lanes) << 1 //nolint:gosec // never negative
			if l.Switch {
				lanes |= 1
			}
			key = binary.AppendUvarint(append(key, byte(l.Path)), lanes)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.graphs.Get(string(key)); ok {
		return known
	}
	fresh := newLinks(g, string(key))
	s.graphs.Add(string(key), fresh)
	return fresh
}

// none are the links of no GPU.
func (s *shapes) none() *links {
	g, err := topology.New(nil, nil)
	if err != nil {
		panic(err) // there is nothing wrong with nothing
	}
	return s.intern(g)
}
