package extender

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	strict "sigs.k8s.io/json"
)

// preemption is an ExtenderPreemptionArgs.
type preemption struct {
	pod     *corev1.Pod
	victims map[string]*extenderv1.MetaVictims // by node
}

// decodePreemption reads an ExtenderPreemptionArgs. Victims that were sent as
// whole pods are kept by their UIDs.
func decodePreemption(body []byte) (*preemption, error) {
	var args struct {
		Pod                   json.RawMessage
		NodeNameToVictims     map[string]*extenderv1.Victims
		NodeNameToMetaVictims map[string]*extenderv1.MetaVictims
	}
	fail := func(err error) (*preemption, error) { return nil, fmt.Errorf("decode ExtenderPreemptionArgs: %w", err) }
	if err := json.Unmarshal(body, &args); err != nil {
		return fail(err)
	}
	p := &preemption{victims: map[string]*extenderv1.MetaVictims{}}
	if err := strict.UnmarshalCaseSensitivePreserveInts(args.Pod, &p.pod); len(args.Pod) > 0 && err != nil {
		return fail(err)
	}
	if p.pod == nil {
		return fail(errors.New("there is no Pod"))
	}
	for node, v := range args.NodeNameToMetaVictims {
		if v != nil {
			v.Pods = slices.DeleteFunc(v.Pods, func(m *extenderv1.MetaPod) bool { return m == nil })
			p.victims[node] = v
		}
	}
	for node, v := range args.NodeNameToVictims {
		if v == nil {
			continue
		}
		meta := &extenderv1.MetaVictims{NumPDBViolations: v.NumPDBViolations}
		for _, pod := range v.Pods {
			if pod != nil {
				meta.Pods = append(meta.Pods, &extenderv1.MetaPod{UID: string(pod.UID)})
			}
		}
		p.victims[node] = meta
	}
	return p, nil
}

const (
	// maxAdded bounds the victims that are added to the scheduler's on one node.
	maxAdded = 4
	// maxTrials bounds the sets of added victims that are tried on one node.
	maxTrials = 2048
)

// preempt keeps those nodes on which the pod can be placed once the victims are
// gone, with as few more victims as that takes. The scheduler's own stay: it
// needs them for reasons that usher does not know, such as memory or ports.
// usher does not know disruption budgets either, so that each victim that it adds
// counts as one that violates one.
func (s *Store) preempt(p *preemption, a *asked) map[string]*extenderv1.MetaVictims {
	result := map[string]*extenderv1.MetaVictims{}
	names, now := *s.names.Load(), s.clock()
	priority := int32(0)
	if p.pod.Spec.Priority != nil {
		priority = *p.pod.Spec.Priority
	}
	for name, proposed := range p.victims {
		if len(proposed.Pods) == 0 {
			continue // the scheduler takes none for an error
		}
		if a.demand == nil {
			result[name] = proposed
			continue
		}
		n := names[name]
		if n == nil {
			continue
		}
		if victims := s.victims(a, n.current.Load(), proposed, priority, now); victims != nil {
			result[name] = victims
		}
	}
	return result
}

// victims are those of one node, nil if none make room.
func (s *Store) victims(a *asked, n *snapshot, proposed *extenderv1.MetaVictims, priority int32, now time.Duration) *extenderv1.MetaVictims {
	if n.board == nil || n.refused != nil || a.barred(n) != nil || s.fresh.factor(n.age(now)) == 0 {
		return nil
	}
	o := n.state.occupied.clone()
	var others []*holding
	known := map[string]*holding{}
	for i := range n.holdings {
		h := &n.holdings[i]
		if h.pod == nil {
			continue
		}
		if isVictim(proposed, h) {
			known[string(h.pod.uid)] = h
			o.leave(h.units)
		} else if h.pod.priority < priority && !h.pod.terminating {
			others = append(others, h)
		}
	}
	added, ok := n.board.fewest(o, a.demand, others)
	if !ok {
		return nil
	}
	result := &extenderv1.MetaVictims{Pods: slices.Clone(proposed.Pods), NumPDBViolations: proposed.NumPDBViolations + int64(len(added))}
	// The scheduler takes the first for the most important one.
	for _, h := range added {
		at := slices.IndexFunc(result.Pods, func(m *extenderv1.MetaPod) bool {
			other := known[m.UID]
			return other != nil && other.pod.priority < h.pod.priority
		})
		if at < 0 {
			at = len(result.Pods)
		}
		uid := string(h.pod.uid)
		known[uid] = h
		result.Pods = slices.Insert(result.Pods, at, &extenderv1.MetaPod{UID: uid})
	}
	return result
}

func isVictim(v *extenderv1.MetaVictims, h *holding) bool {
	return slices.ContainsFunc(v.Pods, func(m *extenderv1.MetaPod) bool { return m.UID == string(h.pod.uid) })
}

// fewest finds the fewest pods without which a demand can be met, of those sets
// the one whose most important pod is the least important, then the second, and
// so on; the younger of equals. The most important one comes first.
func (b *board) fewest(o occupancy, d *demand, candidates []*holding) ([]*holding, bool) {
	// The most important first, so that sets are tried and compared in order.
	slices.SortFunc(candidates, func(x, y *holding) int {
		return cmp.Or(cmp.Compare(y.pod.priority, x.pod.priority), x.pod.created.Compare(y.pod.created), x.key.compare(y.key))
	})
	if b.judge(o, d).refused == nil {
		return nil, true
	}
	trials := 0
	var best []*holding
	var try func(from, size int, chosen []*holding, o occupancy)
	try = func(from, size int, chosen []*holding, o occupancy) {
		if size == 0 {
			if trials++; b.judge(o, d).refused == nil {
				best = slices.Clone(chosen)
			}
			return
		}
		// The least important first: what is found last of a size is not better.
		for i := len(candidates) - size; i >= from && best == nil && trials < maxTrials; i-- {
			after := o.clone()
			after.leave(candidates[i].units)
			try(i+1, size-1, append(chosen, candidates[i]), after)
		}
	}
	for size := 1; size <= min(maxAdded, len(candidates)) && best == nil; size++ {
		try(0, size, nil, o)
	}
	return best, best != nil
}
