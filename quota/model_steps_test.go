package quota

import (
	"fmt"
)

// step is one thing that can happen.
type step struct {
	name string
	then modelState
}

// mutant is a protocol with a mistake, which the model must find.
type mutant struct {
	noSwap        bool // writes without compare-and-swap
	rvAlone       bool // compare-and-swap on the resource version alone
	noLook        bool // lapsed reservations are dropped without a live look
	earlyLapse    bool // reservations lapse before the API server's time is up
	twoWrites     bool // a reservation is dropped in one write, its pod counted in the next
	trustsAbsence bool // a holder that a cache lacks is freed without a live look
	trustsCache   bool // a pod that the ledger does not know is counted without a live look
	noRest        bool // a lost ledger is counted again at once
	countsCached  bool // a lost ledger is counted from a cache
	remembersMet  bool // what was met is remembered over versions of the ledger
}

// model is a protocol and what may happen to it.
type model struct {
	start  modelState
	limit  int
	mutant mutant
	real   *realFunctions
}

// next are all steps that can be taken from a state.
func (m *model) next(s *modelState) []step {
	var out []step
	add := func(name string, change func(*modelState)) {
		then := *s
		change(&then)
		then.canonical()
		out = append(out, step{name, then})
	}
	m.requestSteps(s, add)
	for i := range s.replicas {
		m.replicaSteps(s, i, add)
	}
	for i := range s.orphans {
		if s.orphans[i].used {
			add("a write lands whose writer is gone", func(t *modelState) {
				m.land(t, t.orphans[i])
				t.orphans[i] = flight{}
			})
		}
	}
	m.settlerSteps(s, add)
	m.worldSteps(s, add)
	return out
}

type adder func(name string, change func(*modelState))

func (m *model) requestSteps(s *modelState, add adder) {
	for i := range s.requests {
		switch s.requests[i] {
		case unsent:
			// Requests are alike: they come in order.
			if s.left.sent > 0 && (i == 0 || s.requests[i-1] != unsent) {
				add(fmt.Sprintf("request %d comes", i), func(t *modelState) { t.requests[i] = asking; t.left.sent-- })
			}
		case allowed:
			add(fmt.Sprintf("pod %d is made", i), func(t *modelState) { t.requests[i] = living })
			add(fmt.Sprintf("request %d fails elsewhere", i), func(t *modelState) { t.requests[i] = lost })
			if s.left.repeats > 0 {
				add(fmt.Sprintf("request %d is validated again", i), func(t *modelState) { t.requests[i] = asking; t.left.repeats-- })
			}
		case living:
			add(fmt.Sprintf("pod %d ends", i), func(t *modelState) { t.requests[i] = dead })
		default:
			// A replica has it, or nothing more can come of it.
		}
	}
}

func (m *model) replicaSteps(s *modelState, i int, add adder) {
	r := &s.replicas[i]
	waiting := m.waiting(s, i)
	if r.write.used {
		add(fmt.Sprintf("replica %d's write lands", i), func(t *modelState) { m.answerWrite(t, i) })
		if s.left.lost > 0 {
			add(fmt.Sprintf("replica %d gives up its write", i), func(t *modelState) {
				t.left.lost--
				m.abandon(t, t.replicas[i].write)
				m.fail(t, t.replicas[i].asked)
				t.replicas[i] = modelReplica{}
			})
		}
		return
	}
	if waiting == 0 {
		return
	}
	add(fmt.Sprintf("replica %d reads", i), func(t *modelState) { t.replicas[i].knows, t.replicas[i].known = true, t.ledger })
	if r.knows {
		add(fmt.Sprintf("replica %d decides %v", i, waiting), func(t *modelState) { m.decide(t, i, waiting) })
	}
}

// waiting are the requests that a replica has.
func (m *model) waiting(s *modelState, replica int) set {
	var out set
	for i, p := range s.requests {
		if p == asking && i%modelReplicas == replica && !s.replicas[replica].asked.has(i) {
			out = out.with(i)
		}
	}
	return out
}

// decide is what a scribe does with a batch.
func (m *model) decide(t *modelState, i int, batch set) {
	r := &t.replicas[i]
	if !r.known.exists || !r.known.counted {
		m.fail(t, batch)
		r.knows, r.known = false, modelLedger{}
		return
	}
	kept, accepted, refused := m.real.reserve(r.known.held, r.known.kept, batch, m.limit)
	// It is refused on a live read only; one on which it is refused is one of
	// those that this state can be.
	m.fail(t, refused)
	over := r.known
	r.knows, r.known = false, modelLedger{}
	if accepted == 0 {
		return
	}
	next := over
	next.kept = kept
	r.write, r.asked = m.fly(t, next, over), accepted
}

// answerWrite lands a replica's write and tells the requests.
func (m *model) answerWrite(t *modelState, i int) {
	r := &t.replicas[i]
	written := m.land(t, r.write)
	for j := range t.requests {
		if written && r.asked.has(j) && t.requests[j] == asking {
			t.requests[j] = allowed
		}
	}
	if written && m.restores() {
		// It decides the next request on what it wrote. Where nothing is restored,
		// that is like having read it and being slow.
		r.knows, r.known = true, t.ledger
	}
	r.write, r.asked = flight{}, 0
}

func (m *model) fail(t *modelState, which set) {
	for j := range t.requests {
		if which.has(j) && t.requests[j] == asking {
			t.requests[j] = lost
		}
	}
}

// fly makes a write of the next version of a ledger.
func (m *model) fly(t *modelState, next, over modelLedger) flight {
	t.versions++
	next.version = t.versions
	return flight{used: true, next: next, over: over}
}

// restores says that a restored etcd counts resource versions again.
func (m *model) restores() bool { return m.start.left.restores > 0 }

// land is what the API server does with a write.
func (m *model) land(t *modelState, f flight) bool {
	same := t.ledger.exists && t.ledger.birth == f.over.birth
	switch {
	case m.mutant.noSwap:
	case m.mutant.rvAlone:
		same = same && t.ledger.rv == f.over.rv
	default:
		same = same && t.ledger.rv == f.over.rv && t.ledger.version == f.over.version
	}
	if !same {
		return false
	}
	rv := t.ledger.rv
	t.ledger = f.next
	t.ledger.rv = m.bump(rv)
	return true
}

// bump counts resource versions where that matters.
func (m *model) bump(rv uint8) uint8 {
	if !m.restores() {
		return 0
	}
	return rv + 1
}

// abandon leaves a write to land when it will.
func (m *model) abandon(t *modelState, f flight) {
	for i := range t.orphans {
		if f.used && !t.orphans[i].used {
			t.orphans[i] = f
			return
		}
	}
}
