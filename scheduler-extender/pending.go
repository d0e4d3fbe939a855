package extender

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// pending are the pods that a filter has let go to some nodes and that are not
// known to be bound yet. kube-scheduler asks about the next pod as soon as it has
// made up its mind about one, and does not say which node it took: the watch
// tells, some milliseconds later. Until then such a pod may be on its way to any
// node that it was let to. What follows for the next pod is in underway.
//
// A decision ends when the watch shows the pod bound, ended or deleted, and at
// the latest after its lease: a pod that could not be bound is asked about again.
// Filters may be hypothetical, so that one pod has several; then all of their
// nodes count.
type pending struct {
	clock Clock
	lease time.Duration

	mu        sync.Mutex
	decisions []*decision // the oldest first
	settling  chan struct{}
}

// decision is that a pod may go to some nodes.
type decision struct {
	uid    types.UID
	pod    podKey
	demand *demand
	nodes  nodeSet
	at     time.Duration // of the first one about the pod
}

// nodeSet is a set of nodes by index.
type nodeSet []uint64

func (s nodeSet) has(i int) bool { return i/64 < len(s) && s[i/64]>>(i%64)&1 == 1 }

func (s *nodeSet) add(i int) {
	for len(*s) <= i/64 {
		*s = append(*s, 0)
	}
	(*s)[i/64] |= 1 << (i % 64)
}

func newPending(clock Clock, lease time.Duration) *pending {
	return &pending{clock: clock, lease: lease, settling: make(chan struct{})}
}

// decided notes that a pod may go to those nodes.
func (p *pending) decided(pod podKey, uid types.UID, d *demand, nodes nodeSet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, known := range p.decisions {
		if known.uid == uid {
			all := slices.Clone(known.nodes)
			for len(all) < len(nodes) {
				all = append(all, 0)
			}
			for j := range nodes {
				all[j] |= nodes[j]
			}
			p.decisions[i] = &decision{uid, pod, d, all, known.at}
			return
		}
	}
	p.decisions = append(p.decisions, &decision{uid, pod, d, nodes, p.clock()})
}

// settled ends the decision about a pod. Call it when the snapshots show what
// became of the pod.
func (p *pending) settled(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := len(p.decisions)
	p.decisions = slices.DeleteFunc(p.decisions, func(d *decision) bool { return d.uid == uid })
	if len(p.decisions) < before {
		close(p.settling)
		p.settling = make(chan struct{})
	}
}

// others are the decisions about other pods, the oldest first, and a channel that
// closes when one of them is settled. Ask before you look at snapshots.
func (p *pending) others(uid types.UID) ([]*decision, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.decisions) == 0 {
		return nil, p.settling
	}
	now := p.clock()
	p.decisions = slices.DeleteFunc(p.decisions, func(d *decision) bool { return now-d.at >= p.lease })
	var others []*decision
	for _, d := range p.decisions {
		if d.uid != uid {
			others = append(others, d)
		}
	}
	return others, p.settling
}
