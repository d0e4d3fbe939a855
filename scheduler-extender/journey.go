package extender

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"k8s.io/apimachinery/pkg/types"
)

// ways makes equal underways one, and equal rooms.
type ways struct {
	known *lru.Cache[string, *underway]
	rooms *lru.Cache[string, *room]
}

func newWays() *ways {
	return &ways{newLRU[string, *underway](maxDemands), newLRU[string, *room](maxDemands)}
}

func (w *ways) room(r room) *room {
	key := r.String()
	if known, ok := w.rooms.Get(key); ok {
		return known
	}
	w.rooms.Add(key, &r)
	return &r
}

func (r room) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r)) {
		fmt.Fprintf(&b, "%s=%d;", name, r[name])
	}
	return b.String()
}

const (
	// maxRuns bounds the runs of pods on their way to one node: a node with more
	// waits until some are bound.
	maxRuns = 16
	// maxRun bounds what is told apart of one run: more fit on no node.
	maxRun = 255
)

// journey says for one question what is on its way to each node.
type journey struct {
	decisions []*decision
	demands   []*demand // that are told apart
	which     []uint8   // of the demands, by decision; those beyond 254 are one
	arrived   []int     // the last node, by its turn, that each decision arrived at
	turn      int
	byUID     map[types.UID]int
	ways      *ways
	known     map[passage]*underway
}

// passage is what is on its way to a node, in a form that can be compared.
type passage struct {
	runs     [maxRuns]struct{ which, count uint8 }
	n        int
	overflow bool
	room     *room
}

func (w *ways) journey(decisions []*decision) *journey {
	j := &journey{
		decisions: decisions, ways: w, arrived: make([]int, len(decisions)), which: make([]uint8, len(decisions)),
		byUID: make(map[types.UID]int, len(decisions)), known: map[passage]*underway{},
	}
	for i, d := range decisions {
		at := slices.Index(j.demands, d.demand)
		if at < 0 {
			at = len(j.demands)
			j.demands = append(j.demands, d.demand)
		}
		j.which[i] = uint8(min(at, math.MaxUint8)) //nolint:gosec // bounded
		j.byUID[d.uid] = i
	}
	return j
}

// to returns what is on its way to a node, nil if nothing is.
func (j *journey) to(s *snapshot) *underway {
	if len(j.decisions) == 0 || s.room == nil {
		return nil
	}
	j.turn++
	for i := range s.holdings {
		if pod := s.holdings[i].pod; pod != nil {
			if at, ok := j.byUID[pod.uid]; ok {
				j.arrived[at] = j.turn
			}
		}
	}
	p := passage{room: s.room}
	for i, d := range j.decisions {
		if d.nodes.has(s.index) && j.arrived[i] != j.turn {
			p.add(j.which[i])
		}
	}
	if p.n == 0 {
		return nil
	}
	if way, ok := j.known[p]; ok {
		return way
	}
	way := j.ways.of(j.demands, &p)
	j.known[p] = way
	return way
}

func (p *passage) add(which uint8) {
	if p.n == 0 || p.runs[p.n-1].which != which {
		if p.n == maxRuns || which == math.MaxUint8 {
			p.overflow = true
			p.n = max(p.n, 1)
			return
		}
		p.runs[p.n].which = which
		p.n++
	}
	last := &p.runs[p.n-1]
	last.count = min(last.count, maxRun-1) + 1
}

func (w *ways) of(demands []*demand, p *passage) *underway {
	way := &underway{room: *p.room, overflow: p.overflow}
	var text strings.Builder
	fmt.Fprintf(&text, "%t;%s", p.overflow, p.room)
	for _, r := range p.runs[:p.n] {
		d := demands[r.which]
		way.runs = append(way.runs, run{d, int(r.count)})
		fmt.Fprintf(&text, "%d*%s;", r.count, d.key)
	}
	key := text.String()
	if known, ok := w.known.Get(key); ok {
		return known
	}
	w.known.Add(key, way)
	return way
}
