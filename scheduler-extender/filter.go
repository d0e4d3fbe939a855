package extender

import (
	"cmp"
	"context"
	"time"
)

// asked is what a question asks for.
type asked struct {
	pod    podKey
	demand *demand // nil: no GPU
	guest  guest
	job    string
	// refused says why no node at all will do, nil if one may.
	refused *refusal
}

// ask reads what the pod of a question asks for.
func (s *Store) ask(q *question) (*asked, error) {
	d, _, err := demandOf(q.pod)
	if err != nil {
		return nil, err
	}
	a := &asked{pod: podKey{q.pod.Namespace, q.pod.Name}}
	if len(d.containers) > 0 {
		a.demand = s.demands.intern(d)
		a.guest = s.tenancy.Load().guest(q.pod.Namespace)
		a.job = jobOf(&q.pod.ObjectMeta, s.cfg.JobLabels)
		if *s.cfg.RequireReservation {
			a.refused = unreserved(q.pod, &a.guest)
		}
	}
	return a, nil
}

// row is what a question says of one node.
type row struct {
	node    *snapshot // nil: nothing is known of the node
	verdict *verdict
	refused *refusal // nil: the node will do
	scores  scores   // of prioritize
	factor  float32  // of the age of the report
	total   float32  // 0 to 1, factor included
}

// unknown are rows of nodes of which nothing is known.
var refusedUnknown = refuse(causeUnknownNode, false, "no agent has reported the node's GPUs, and no Node of that name is known").refused

// look judges one node for a pod. way is what is on its way there.
func (s *Store) look(a *asked, n *snapshot, way *underway, now time.Duration) row {
	r := row{node: n, verdict: n.verdict(a.demand, way), factor: float32(s.fresh.factor(n.age(now)))}
	if r.refused = a.barred(n); r.refused != nil {
		return r
	}
	if n.board != nil && r.factor == 0 {
		r.refused = newRefusal(causeLost, false, "the last GPU report is %s old", n.age(now).Round(time.Second))
	} else {
		r.refused = r.verdict.refused
	}
	return r
}

// barred says why the pod may not use a node, whatever is free there; nil if it
// may.
func (a *asked) barred(n *snapshot) *refusal {
	switch {
	case a.refused != nil:
		return a.refused
	case !a.guest.mayUse(n.owners):
		return a.guest.refusal(n.owners)
	case n.board != nil:
		return a.guest.grant.refusal(a.guest.tenant, n.board.models)
	}
	return nil
}

// filter judges all nodes of a question for a pod that asks for GPUs. It has no
// effect on what is answered to others, but that the pod is noted as on its way
// to the nodes that will do.
func (s *Store) filter(ctx context.Context, q *question, a *asked) []row {
	began := s.clock()
	for {
		// First what is on its way, then the snapshots: what has arrived in
		// between counts twice, never not at all.
		others, settling := s.pending.others(q.pod.UID)
		rows, fit, unsettled := s.judgeAll(q, a, others)
		wait := time.Duration(0)
		if fit == 0 && unsettled > 0 {
			wait = others[len(others)-1].at + s.cfg.DecisionWait.Duration - s.clock()
		}
		if wait <= 0 || !waitFor(ctx, settling, wait) {
			if waited := s.clock() - began; unsettled > 0 {
				s.metrics.waited(waited)
			}
			if fit > 0 {
				var nodes nodeSet
				for i := range rows {
					if rows[i].refused == nil {
						nodes.add(rows[i].node.index)
					}
				}
				s.pending.decided(a.pod, q.pod.UID, a.demand, nodes)
			}
			return rows
		}
	}
}

// waitFor waits for a channel to close, but not longer than d; false if it did
// not close.
func waitFor(ctx context.Context, closing <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-closing:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

func (s *Store) judgeAll(q *question, a *asked, others []*decision) (rows []row, fit, unsettled int) {
	names, now := *s.names.Load(), s.clock()
	journey := s.ways.journey(others)
	rows = make([]row, len(q.names))
	for i, name := range q.names {
		n := names[string(plainName(name))]
		if n == nil {
			rows[i].refused = cmp.Or(a.refused, refusedUnknown)
			continue
		}
		snap := n.current.Load()
		rows[i] = s.look(a, snap, journey.to(snap), now)
		switch {
		case rows[i].refused == nil:
			fit++
		case rows[i].refused.cause == causeUnsettled:
			unsettled++
		}
	}
	return rows, fit, unsettled
}

// prioritize scores all nodes of a question for a pod that asks for GPUs.
func (s *Store) prioritize(q *question, a *asked) []row {
	others, _ := s.pending.others(q.pod.UID)
	rows, _, _ := s.judgeAll(q, a, others)
	at := &placement{peers: s.peersOf(a.job)}
	for i := range rows {
		r := &rows[i]
		if r.refused != nil {
			continue
		}
		s.score(a, r, at)
	}
	return rows
}

// score completes the row of a node that will do. at holds the peers, and is
// overwritten.
func (s *Store) score(a *asked, r *row, at *placement) {
	*at = placement{
		board: r.node.board, demand: a.demand, pick: &r.verdict.pick, gpus: r.verdict.gpus,
		node: r.node, guest: a.guest, peers: at.peers,
	}
	r.scores = r.verdict.scores.complete(at)
	r.total = float32(s.weights.total(&r.scores)) * r.factor
}
