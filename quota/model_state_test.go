package quota

import (
	"fmt"
	"math/bits"
	"strings"
)

// The model explores the protocol itself: every order in which requests, webhook
// replicas, the settler, the API server and time can take their steps, with
// losses, crashes and caches that lag. What a step writes is worked out by the
// functions that the product runs: book, ages, settle and memory.
//
// Each request is for a pod of one unit. A request lives for one tick of the
// clock: at the tick, the API server's time for it is up, and no pod comes of it
// any more.

const (
	modelRequests = 3
	modelReplicas = 2
)

// set is a set of requests, or of their pods.
type set uint8

func (s set) has(i int) bool      { return s&(1<<i) != 0 }
func (s set) with(i int) set      { return s | 1<<i }
func (s set) size() int           { return bits.OnesCount8(uint8(s)) }
func (s set) minus(other set) set { return s &^ other }

func (s set) String() string {
	var names []string
	for i := range modelRequests {
		if s.has(i) {
			names = append(names, fmt.Sprint(i))
		}
	}
	return "{" + strings.Join(names, ",") + "}"
}

// modelLedger is a version of the ledger.
type modelLedger struct {
	exists, counted bool
	// birth is which of the objects of that name it is.
	birth uint8
	// rv is the resource version, which a restored etcd counts again; version is
	// the name that each write gives its result, which never comes again.
	rv, version uint8
	held, kept  set
}

func (l modelLedger) String() string {
	if !l.exists {
		return "no ledger"
	}
	return fmt.Sprintf("ledger v%d (rv %d, counted %v): holders %v, reservations %v", l.version, l.rv, l.counted, l.held, l.kept)
}

// phase is how far a request is.
type phase uint8

const (
	unsent  phase = iota
	asking        // a replica has it
	allowed       // the webhook said yes; the API server may make the pod
	living        // the pod is there
	dead          // the pod was there
	lost          // no pod ever came, and none will
)

func (p phase) String() string {
	return []string{"unsent", "asking", "allowed", "living", "dead", "failed"}[p]
}

// sighting is what the settler's watch has brought of a pod.
type sighting uint8

const (
	unseen sighting = iota
	seen
	seenGone
)

// flight is a write on its way to the API server.
type flight struct {
	used       bool
	next, over modelLedger
}

// modelReplica is a webhook.
type modelReplica struct {
	knows bool
	known modelLedger
	write flight
	// asked are the requests that the write adds.
	asked set
}

// modelSettler is the controller.
type modelSettler struct {
	watched [modelRequests]sighting
	// since is how many ticks each reservation has been known, plus one; 0: not known.
	since [modelRequests]uint8
	// idle is the same for an uncounted ledger, of the birth idleBirth.
	idle, idleBirth uint8
	// reading is a round that is under way on the ledger that was read.
	reading         bool
	read            modelLedger
	lapsed          set
	gone, met, void set
	listing         bool // a first count
	listed          set
	write           flight
}

// modelState is all there is.
type modelState struct {
	ledger   modelLedger
	requests [modelRequests]phase
	replicas [modelReplicas]modelReplica
	// orphans are writes whose writer has crashed or given up.
	orphans [2]flight
	settler modelSettler
	// saved is etcd's snapshot.
	saved       bool
	savedLedger modelLedger
	savedLiving set
	versions    uint8
	births      uint8
	left        budget
}

// budget is how often what is not a part of every run may happen.
type budget struct {
	sent, lost, restarts, losses, saves, restores, repeats, elders uint8
}

func (s *modelState) in(p phase) set {
	var out set
	for i, is := range s.requests {
		if is == p {
			out = out.with(i)
		}
	}
	return out
}

// canonical renames versions in the order in which they stand in the state, so
// that states that differ in names alone are one. Resource versions count, and
// are kept where a restore can bring them back.
func (s *modelState) canonical() {
	names := map[uint8]uint8{0: 0}
	rename := func(l *modelLedger) {
		name, ok := names[l.version]
		if !ok {
			name = uint8(len(names))
			names[l.version] = name
		}
		l.version = name
	}
	births := map[uint8]uint8{0: 0}
	born := func(b *uint8) {
		name, ok := births[*b]
		if !ok {
			name = uint8(len(births))
			births[*b] = name
		}
		*b = name
	}
	each := func(l *modelLedger) {
		rename(l)
		born(&l.birth)
	}
	each(&s.ledger)
	for i := range s.replicas {
		each(&s.replicas[i].known)
		each(&s.replicas[i].write.next)
		each(&s.replicas[i].write.over)
	}
	for i := range s.orphans {
		each(&s.orphans[i].next)
		each(&s.orphans[i].over)
	}
	each(&s.settler.read)
	each(&s.settler.write.next)
	each(&s.settler.write.over)
	each(&s.savedLedger)
	born(&s.settler.idleBirth)
	s.versions, s.births = uint8(len(names)-1), uint8(len(births)-1)
}
