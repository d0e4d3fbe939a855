package extender

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"k8s.io/apimachinery/pkg/types"
)

// underway are the demands of pods that may be on their way to a node, with the
// numbers of pods, and what of the node's resources is spoken for, as
// kube-scheduler counts. Equal ones are one (see ways).
type underway struct {
	demands []*demand
	counts  []int
	// room is how many devices the scheduler has left on the node for pods that
	// are not bound, by resource; it counts those on their way.
	room room
	// overflow: there are more than are told apart.
	overflow bool
}

// maxHypotheses bounds the combinations of pods on their way that are looked at
// for one node.
const maxHypotheses = 64

// underway is what the state means for a demand whichever of the pods on their
// way arrive: the worst of all combinations. kube-scheduler has counted the
// devices of pods that it has assumed to be on a node before it asked about the
// node; so a combination with which the node has not enough devices for the pod
// that is asked about cannot be.
func (s *state) underway(d *demand, way *underway) *verdict {
	base := s.verdict(d, nil)
	if base.refused != nil {
		return base
	}
	tooMany := refuse(causeUnsettled, false, "too many pods may be on their way to the node; they are not bound yet")
	if way.overflow {
		return tooMany
	}
	worst, judged := base, 0
	ask := d.total()
	fits := func(spoken map[string]int) bool {
		for name, n := range ask {
			if spoken[name]+n > way.room[name] {
				return false
			}
		}
		return true
	}
	var look func(i int, o occupancy, spoken map[string]int, names []string)
	look = func(i int, o occupancy, spoken map[string]int, names []string) {
		if worst.refused != nil {
			return
		}
		if i == len(way.demands) {
			if len(names) == 0 {
				return // the base
			}
			if judged++; judged > maxHypotheses {
				worst = tooMany
				return
			}
			switch v := s.board.judge(o, d); {
			case v.refused != nil:
				worst = refuse(causeUnsettled, false, "%s may be on the way to the node, not bound yet; with that, %s", strings.Join(names, " and "), v.refused.reason)
			case v.scores.sum() < worst.scores.sum():
				worst = v
			}
			return
		}
		next := way.demands[i]
		for n := 0; ; n++ {
			taken := names
			if n > 0 {
				taken = append(slices.Clip(names), fmt.Sprintf("%d for %s", n, next))
			}
			look(i+1, o, spoken, taken)
			if n == way.counts[i] {
				return
			}
			spoken = plus(spoken, next.total())
			o = o.clone()
			if _, short := s.board.admit(o, next); short != nil || !fits(spoken) {
				return
			}
		}
	}
	look(0, s.occupied, map[string]int{}, nil)
	return worst
}

// sum orders the scores of one demand, whatever the terms weigh.
func (s *scores) sum() float32 {
	sum := float32(0)
	for _, x := range s {
		sum += x
	}
	return sum
}

func plus(a, b map[string]int) map[string]int {
	sum := make(map[string]int, len(a)+len(b))
	for name, n := range a {
		sum[name] += n
	}
	for name, n := range b {
		sum[name] += n
	}
	return sum
}

// room is how many devices of each resource a node has beyond what is bound to
// it. Where pods were deleted that kube-scheduler still counts, it is more than
// the scheduler has.
type room map[string]int

func (s *snapshot) countRoom() room {
	left := make(room, len(s.board.resources))
	for i := range s.board.resources {
		r := &s.board.resources[i]
		n := 0
		for _, u := range r.units {
			n += int(s.board.units[u].shares)
		}
		if s.allocatable != nil {
			n = min(n, s.allocatable[r.name])
		}
		left[r.name] = n
	}
	for i := range s.holdings {
		if p := s.holdings[i].pod; p != nil {
			for name, n := range p.demand.total() {
				left[name] -= n
			}
		}
	}
	return left
}

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
	// maxGroups bounds the different demands on their way at once; on nodes with
	// more no pod is placed until some are bound.
	maxGroups = 8
	// maxOfGroup is the most pods of one demand that are told apart: more fit on
	// no node.
	maxOfGroup = 255
)

// journey says for one question what is on its way to each node.
type journey struct {
	decisions []*decision
	groups    []*demand // of the decisions
	group     []int     // of each decision
	byUID     map[types.UID]int
	ways      *ways
	known     map[passage]*underway
}

// passage is what is on its way to a node: how many of each group, 8 bits each.
type passage struct {
	counts   uint64
	overflow bool
	room     *room
}

func (w *ways) journey(decisions []*decision) *journey {
	j := &journey{decisions: decisions, ways: w, byUID: make(map[types.UID]int, len(decisions)), known: map[passage]*underway{}}
	for i, d := range decisions {
		g := slices.Index(j.groups, d.demand)
		if g < 0 {
			g = len(j.groups)
			j.groups = append(j.groups, d.demand)
		}
		j.group = append(j.group, g)
		j.byUID[d.uid] = i
	}
	return j
}

// to returns what is on its way to a node, nil if nothing is.
func (j *journey) to(s *snapshot) *underway {
	if len(j.decisions) == 0 || s.room == nil {
		return nil
	}
	p := passage{room: s.room}
	for i, d := range j.decisions {
		if d.nodes.has(s.index) {
			j.count(&p, i, 1)
		}
	}
	if p.counts == 0 && !p.overflow {
		return nil
	}
	for i := range s.holdings {
		if pod := s.holdings[i].pod; pod != nil {
			if at, ok := j.byUID[pod.uid]; ok && j.decisions[at].nodes.has(s.index) {
				j.count(&p, at, -1) // it has arrived
			}
		}
	}
	if way, ok := j.known[p]; ok {
		return way
	}
	way := j.ways.of(j.groups, p)
	j.known[p] = way
	return way
}

func (j *journey) count(p *passage, decision, by int) {
	g := j.group[decision]
	if g >= maxGroups {
		p.overflow = true
		return
	}
	if n := int(p.counts>>(8*g)&maxOfGroup) + by; n <= maxOfGroup {
		p.counts = p.counts&^(maxOfGroup<<(8*g)) | uint64(n)<<(8*g) //nolint:gosec // from 0 to 255
	}
}

func (w *ways) of(groups []*demand, p passage) *underway {
	way := &underway{room: *p.room, overflow: p.overflow}
	var key strings.Builder
	for g, d := range groups[:min(len(groups), maxGroups)] {
		if n := int(p.counts >> (8 * g) & maxOfGroup); n > 0 {
			way.demands, way.counts = append(way.demands, d), append(way.counts, n)
			fmt.Fprintf(&key, "%d*%s;", n, d.key)
		}
	}
	if way.demands == nil && !way.overflow {
		return nil
	}
	fmt.Fprintf(&key, "%t;%s", p.overflow, p.room)
	if known, ok := w.known.Get(key.String()); ok {
		return known
	}
	w.known.Add(key.String(), way)
	return way
}
