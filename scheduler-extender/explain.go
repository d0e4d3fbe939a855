package extender

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// maxRecords bounds the answers that are kept for explanations, maxRows the
	// nodes in all of them.
	maxRecords = 512
	maxRows    = 200_000
)

// record is what was answered to a question.
type record struct {
	asked   *asked
	uid     types.UID
	at      time.Time
	rows    []row
	unknown []string // names of the rows without a node, in their order
	scored  bool     // by prioritize
}

// records are the last answers, the oldest first.
type records struct {
	mu   sync.Mutex
	list []*record
	rows int
}

func (k *records) add(r *record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = append(k.list, r)
	k.rows += len(r.rows)
	drop := 0
	for ; drop < len(k.list)-1 && (len(k.list)-drop > maxRecords || k.rows > maxRows); drop++ {
		k.rows -= len(k.list[drop].rows)
	}
	k.list = slices.Delete(k.list, 0, drop)
}

// last returns the last filter of a pod, and the prioritize after it, if there
// was one. A pod of the same name before it is another one.
func (k *records) last(pod podKey) (filter, prioritize *record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range slices.Backward(k.list) {
		switch {
		case r.asked.pod != pod:
		case !r.scored:
			if prioritize != nil && prioritize.uid != r.uid {
				return nil, prioritize
			}
			return r, prioritize
		case prioritize == nil:
			prioritize = r
		}
	}
	return nil, prioritize
}

// Explanation says how the nodes did for a pod when it was last asked about.
type Explanation struct {
	Namespace string    `json:"namespace"`
	Pod       string    `json:"pod"`
	Demand    string    `json:"demand"`
	Time      time.Time `json:"time"`
	// Node is where the pod is bound, empty if it is not known to be.
	Node string `json:"node,omitempty"`
	// Terms are the terms of scores in their order.
	Terms []ExplainedTerm `json:"terms"`
	// Nodes are the nodes that the scheduler asked about: those that will do, the
	// best first, then those that were filtered, by name.
	Nodes []ExplainedNode `json:"nodes"`
}

// ExplainedTerm is a term of scores.
type ExplainedTerm struct {
	Name string `json:"name"`
	// Weight is its share of all weights, from 0 to 1.
	Weight float64 `json:"weight"`
}

// ExplainedNode is how one node did.
type ExplainedNode struct {
	Name string `json:"name"`
	// Cause and Filtered say why the node was filtered; empty if it was not.
	Cause    string `json:"cause,omitempty"`
	Filtered string `json:"filtered,omitempty"`

	// Score is what the scheduler was told, from 0 to 10.
	Score int64 `json:"score"`
	// Total is the weighted mean of the terms times Freshness, from 0 to 1.
	Total float32 `json:"total"`
	// Freshness is what the age of the node's report leaves, from 0 to 1.
	Freshness float32 `json:"freshness"`
	// GPUs are the indices of those that the device plugin is predicted to pick,
	// such as "0,1".
	GPUs string `json:"gpus,omitempty"`
	// Scores are those of the terms, in their order, from 0 to 1; null where a
	// term says nothing of the pod.
	Scores []*float32 `json:"scores,omitempty"`
}

// Explain says how the nodes did for a pod, nil if none of the last answers was
// about it.
func (s *Store) Explain(namespace, pod string) *Explanation {
	key := podKey{namespace, pod}
	filter, prioritize := s.records.last(key)
	newest := cmp.Or(prioritize, filter)
	if newest == nil {
		return nil
	}
	e := &Explanation{Namespace: namespace, Pod: pod, Demand: newest.asked.demand.String(), Time: newest.at, Node: s.nodeOf(key)}
	for i := range terms {
		e.Terms = append(e.Terms, ExplainedTerm{terms[i].name, s.weights[i]})
	}
	seen := map[string]bool{}
	for _, r := range []*record{prioritize, filter} {
		if r == nil {
			continue
		}
		unknown := 0
		for i := range r.rows {
			n := s.explained(r, i, &unknown)
			if !seen[n.Name] {
				seen[n.Name] = true
				e.Nodes = append(e.Nodes, n)
			}
		}
	}
	slices.SortFunc(e.Nodes, func(x, y ExplainedNode) int {
		return cmp.Or(-cmp.Compare(x.Total, y.Total), cmp.Compare(x.Filtered, ""), strings.Compare(x.Name, y.Name))
	})
	return e
}

func (s *Store) explained(r *record, i int, unknown *int) ExplainedNode {
	found := r.rows[i]
	if found.node == nil {
		*unknown++
		return ExplainedNode{Name: r.unknown[*unknown-1], Cause: string(found.refused.cause), Filtered: found.refused.reason}
	}
	n := ExplainedNode{Name: found.node.name}
	if found.refused != nil {
		n.Cause, n.Filtered = string(found.refused.cause), found.refused.reason
		return n
	}
	if !r.scored { // a node that alone is left is not scored
		s.score(r.asked, &found, &placement{peers: s.peersOf(r.asked.job)})
	}
	n.Score, n.Total, n.Freshness = scale(found.total), found.total, found.factor
	for i := range found.scores {
		n.Scores = append(n.Scores, nil)
		if found.scores[i] != notAsked {
			n.Scores[i] = &found.scores[i]
		}
	}
	n.GPUs = found.verdict.gpus.String()
	return n
}
