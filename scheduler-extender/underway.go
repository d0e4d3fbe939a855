package extender

import (
	"encoding/binary"
	"slices"
	"strings"
)

// underway are the demands of pods that may be on their way to a node, in the
// order of the decisions, and what the node has left for them. Equal ones are one
// (see ways).
type underway struct {
	runs []run
	// room is how many devices the scheduler has left on the node for pods that
	// are not bound, by resource; it counts those on their way.
	room room
	// overflow: there are more than are told apart.
	overflow bool
}

// run is a number of pods that ask for the same, decided on one after the other.
type run struct {
	demand *demand
	count  int
}

// maxHypotheses bounds the ways in which a node's devices may be held by pods on
// their way that are looked at.
const maxHypotheses = 256

var verdictTooMany = refuse(causeUnsettled, false, "too many pods may be on their way to the node; they are not bound yet")

var verdictUnreported = refuse(causeUnreported, false, "many pods have come to the node whose GPUs are not reported yet")

// hypothesis is one way in which pods on their way may hold devices.
type hypothesis struct {
	occupied occupancy
	spoken   map[string]int // by resource
	pods     []string       // for people
}

// underway is what the state means for a demand whichever of the pods on their
// way arrive: the worst of all possibilities. kube-scheduler has counted the
// devices of pods that it has assumed to be on a node before it asked about the
// node; so those with which the node has not enough devices for the pod that is
// asked about cannot be.
func (s *state) underway(d *demand, way *underway) *verdict {
	worst := s.verdict(d, nil)
	if worst.refused != nil {
		return worst
	}
	if way.overflow {
		return verdictTooMany
	}
	possible, ok := s.board.possible([]hypothesis{{s.occupied, nil, nil}}, d, way)
	if !ok {
		return verdictTooMany
	}
	for _, h := range possible[1:] { // the first is that none arrives
		switch v := s.board.judge(h.occupied, d); {
		case v.refused != nil:
			return h.refuse(v)
		case v.scores.sum() < worst.scores.sum():
			worst = v
		}
	}
	return worst
}

// unsettled says why the outstanding pods of a node keep it from meeting what a
// demand requires; nil if it does whichever devices they get, and whichever pods
// arrive on top of them.
func (b *board) unsettled(out *outstanding, d *demand, way *underway) *verdict {
	possible, ok := b.settlements(out)
	if !ok {
		return verdictUnreported
	}
	if way != nil {
		if way.overflow {
			return verdictTooMany
		}
		if possible, ok = b.possible(possible, d, way); !ok {
			return verdictTooMany
		}
	}
	for _, h := range possible {
		if v := b.judge(h.occupied, d); v.refused != nil {
			return h.refuse(v)
		}
	}
	return nil
}

// refuse is what a verdict on a hypothesis means while it is one.
func (h *hypothesis) refuse(v *verdict) *verdict {
	if len(h.pods) == 0 {
		return refuse(causeUnreported, false, "pods have come to the node whose GPUs are not reported yet; depending on them, %s", v.refused.reason)
	}
	return refuse(causeUnsettled, false, "pods may be on their way to the node that are not bound yet (%s); with them, %s", strings.Join(h.pods, "; "), v.refused.reason)
}

// possible lists the ways in which the pods may hold devices on top of some others
// and leave room for what is asked; false if there are too many. Which devices a
// pod gets depends on who came before it, so that each either has or has not
// arrived when the next one does.
func (b *board) possible(before []hypothesis, d *demand, way *underway) ([]hypothesis, bool) {
	all := slices.Clone(before)
	known := map[string]bool{}
	for _, h := range all {
		known[h.occupied.key()] = true
	}
	ask := d.total()
	admitted := b.predicted
	if !b.indifferent(d.requirement) {
		admitted = func(o occupancy, d *demand) ([]occupancy, bool) { return b.outcomes(o, d, false) }
	}
	for _, r := range way.runs {
		total := r.demand.total()
		from := 0
		// A run adds to what was possible before it, and to what it added itself.
		for n := 0; n < r.count && from < len(all); n++ {
			end := len(all)
			for _, h := range all[from:end] {
				spoken := plus(h.spoken, total)
				if !way.room.holds(plus(spoken, ask)) {
					continue
				}
				possible, ok := admitted(h.occupied, r.demand)
				if !ok {
					return nil, false
				}
				for _, o := range possible {
					if key := o.key(); !known[key] {
						known[key] = true
						all = append(all, hypothesis{o, spoken, append(slices.Clip(h.pods), r.demand.String())})
					}
				}
			}
			if len(all) > maxHypotheses {
				return nil, false
			}
			from = end
		}
	}
	return all, true
}

// key spells an occupancy.
func (o occupancy) key() string {
	key := make([]byte, 0, 2*len(o))
	for _, n := range o {
		key = binary.LittleEndian.AppendUint16(key, n)
	}
	return string(key)
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

// holds says whether there is room for that many devices.
func (r room) holds(devices map[string]int) bool {
	for name, n := range devices {
		if n > r[name] {
			return false
		}
	}
	return true
}

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
