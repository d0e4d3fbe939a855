package extender

import (
	"encoding/binary"
	"maps"
	"sync"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
)

// state is what a pod finds on a node: its GPUs, their links and who holds them,
// without their names. Nodes of one build in the same state share one, and all
// that was found out about it. Units have the same indices on all of them.
type state struct {
	board    *board // of one of the nodes
	occupied occupancy
	memo     atomic.Pointer[map[memoKey]*verdict]
}

type memoKey struct {
	demand *demand
	way    *underway // nil: nothing is
}

// maxMemo bounds what is remembered of one state.
const maxMemo = 256

// verdict is what the state means for a demand, remembered.
func (s *state) verdict(d *demand, way *underway) *verdict {
	key := memoKey{d, way}
	known := s.memo.Load()
	if known != nil {
		if v := (*known)[key]; v != nil {
			return v
		}
	}
	var v *verdict
	if way == nil {
		v = s.board.judge(s.occupied, d)
	} else {
		v = s.underway(d, way)
	}
	fresh := map[memoKey]*verdict{}
	if known != nil && len(*known) < maxMemo {
		fresh = maps.Clone(*known)
	}
	fresh[key] = v
	s.memo.Store(&fresh) // another question may overwrite it: then it is judged again
	return v
}

// maxStates bounds the states that nodes share.
const maxStates = 8192

// states are the states that nodes of the fleet are in.
type states struct {
	mu    sync.Mutex
	known *lru.Cache[string, *state]
}

func newStates() *states { return &states{known: newLRU[string, *state](maxStates)} }

// intern returns the one state of all boards like b that are occupied like o. What
// it needs of the links is worked out here, not while the scheduler waits.
func (s *states) intern(b *board, o occupancy) *state {
	key := b.appendKey(nil)
	for _, n := range o {
		key = binary.AppendUvarint(key, uint64(n))
	}
	s.mu.Lock()
	known, ok := s.known.Get(string(key))
	s.mu.Unlock()
	if ok && known.board.links == b.links {
		return known
	}
	for i := range b.resources {
		if b.resources[i].whole {
			b.links.of(b.freeGPUs(o, i))
		}
	}
	fresh := &state{board: b, occupied: o}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known.Add(string(key), fresh)
	return fresh
}

// appendKey spells all of a board that a verdict depends on.
func (b *board) appendKey(key []byte) []byte {
	key = append(key, b.links.key...)
	for i := range b.gpus {
		g := &b.gpus[i]
		mig := byte(0)
		if g.mig {
			mig = 1
		}
		key = append(key, byte(len(g.health)), mig, byte(g.utilization), byte(g.memoryUsed), byte(g.nic), byte(g.slices)) //nolint:gosec // small numbers
		key = append(key, g.health...)
	}
	for i := range b.resources {
		key = append(key, b.resources[i].name...)
		key = append(key, 0)
	}
	for i := range b.units {
		u := &b.units[i]
		key = binary.AppendVarint(key, int64(u.resource))
		key = append(key, byte(u.gpu), byte(u.instance.Start), byte(u.instance.Size)) //nolint:gosec // small numbers
		key = binary.AppendUvarint(key, uint64(u.shares))
	}
	return key
}
