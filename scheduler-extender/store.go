package extender

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"usher.dev/usher/api/v1alpha1"
)

// Clock is the extender's own, monotonic clock: the time since some moment.
type Clock func() time.Duration

// SystemClock counts from now, monotonically.
func SystemClock() Clock {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// Store knows the nodes, their GPUs and who holds them. What changes is worked
// out when it changes; questions are answered from snapshots, without a lock.
type Store struct {
	cfg     *v1alpha1.ExtenderConfiguration
	clock   Clock
	fresh   freshness
	weights weights
	metrics *Metrics
	shapes  *shapes
	states  *states
	demands *demands
	ways    *ways
	pending *pending
	records records

	mu   sync.Mutex // for writers
	pods map[podKey]*boundPod
	jobs map[string]*peersAt
	all  map[string]*node // what names points to, next
	free []int            // indices of nodes that are gone

	names   atomic.Pointer[map[string]*node]
	tenancy atomic.Pointer[tenancy]
	synced  atomic.Int32 // bits: what has been listed once
}

// node is what the store keeps of one node.
type node struct {
	name    string
	index   int
	seen    *atomic.Int64 // see snapshot.seen
	current atomic.Pointer[snapshot]

	// For writers.
	report *report // nil: none
	object *object // nil: no Node is known
	pods   map[podKey]*boundPod
	// gone are pods that ended, whose devices the last report may still name.
	gone map[podKey]struct{}
}

// NewStore returns an empty store. The configuration is whole, as
// internal/config makes it; an error says that it weighs terms that are not there.
func NewStore(cfg *v1alpha1.ExtenderConfiguration, clock Clock, metrics *Metrics) (*Store, error) {
	w, err := newWeights(cfg.Weights)
	if err != nil {
		return nil, err
	}
	s := &Store{
		weights: w,
		cfg:     cfg, clock: clock, metrics: metrics,
		fresh:   freshness{cfg.StaleAfter.Duration, cfg.LostAfter.Duration},
		shapes:  newShapes(),
		states:  newStates(),
		demands: newDemands(),
		ways:    newWays(),
		pods:    map[podKey]*boundPod{},
		jobs:    map[string]*peersAt{},
		all:     map[string]*node{},
	}
	s.pending = newPending(clock, cfg.DecisionLease.Duration)
	s.tenancy.Store(&tenancy{
		label: cfg.TenantLabel, open: cfg.TenantlessPodsMayEnterPools,
		namespaces: map[string]string{}, pools: map[string]pool{}, grants: map[string]*grant{},
	})
	s.publish()
	return s, nil
}

// publish makes the set of nodes known. Called with mu held, or before use.
func (s *Store) publish() {
	names := maps.Clone(s.all)
	s.names.Store(&names)
}

// node returns a node, and makes it if it is not known. publish afterwards.
func (s *Store) node(name string) *node {
	n := s.all[name]
	if n == nil {
		n = &node{name: name, index: len(s.all), seen: new(atomic.Int64), pods: map[podKey]*boundPod{}, gone: map[podKey]struct{}{}}
		if last := len(s.free) - 1; last >= 0 {
			n.index, s.free = s.free[last], s.free[:last]
		}
		s.all[name] = n
	}
	return n
}

// prune forgets a node of which nothing is known any more.
func (s *Store) prune(n *node) {
	if n.report == nil && n.object == nil && len(n.pods) == 0 {
		delete(s.all, n.name)
		s.free = append(s.free, n.index)
	}
}

// rebuild makes a new snapshot of a node. Called with mu held.
func (s *Store) rebuild(n *node) {
	start := time.Now()
	t := s.tenancy.Load()
	fresh := &snapshot{name: n.name, index: n.index, seen: n.seen}
	if o := n.object; o != nil {
		fresh.rack, fresh.owners, fresh.allocatable = o.labels[s.cfg.RackLabel], t.owners(o.labels, o.taints), o.allocatable
	}
	if r := n.report; r != nil {
		fresh.board, fresh.refused = r.board, r.refused
		var occupied occupancy
		occupied, fresh.holdings, fresh.outstanding = r.board.charge(r.allocations, n.pods, n.gone)
		fresh.state = s.states.intern(r.board, occupied)
		fresh.room = s.ways.room(fresh.countRoom())
		s.compare(fresh)
	}
	n.current.Store(fresh)
	s.metrics.rebuilt(time.Since(start))
}

// demands makes pods that ask the same share one demand.
type demands struct {
	mu    sync.Mutex
	known *lru.Cache[string, *demand]
}

// maxDemands bounds the demands that are told apart by pointer; beyond, those
// that were asked about the longest ago are judged anew.
const maxDemands = 4096

func newDemands() *demands { return &demands{known: newLRU[string, *demand](maxDemands)} }

func (k *demands) intern(d demand) *demand {
	k.mu.Lock()
	defer k.mu.Unlock()
	if known, ok := k.known.Get(d.key); ok {
		return known
	}
	k.known.Add(d.key, &d)
	return &d
}

// What has to be listed once before the store can answer.
const (
	listedGPUNodes = 1 << iota
	listedPods
	listedNodes
	listedNamespaces
	listedTenants
	listedAll = 1<<iota - 1
)

// Synced says which kinds have not been listed yet; nil if all have.
func (s *Store) Synced() error {
	have := s.synced.Load()
	if have == listedAll {
		return nil
	}
	var missing []string
	for i, kind := range []string{"GPUNodes", "pods", "nodes", "namespaces", "tenants"} {
		if have&(1<<i) == 0 {
			missing = append(missing, kind)
		}
	}
	return fmt.Errorf("not listed yet: %v", missing)
}

func (s *Store) listed(kind int32) { s.synced.Or(kind) }
