package extender

import (
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"usher.dev/usher/api/v1alpha1"
)

// snapshot is what is known of a node at one time. It does not change.
type snapshot struct {
	name  string
	index int // of the node in the store, for good

	// board is nil where no agent has reported.
	board    *board
	state    *state // of the board
	holdings []holding
	// outstanding are pods that the report does not name yet, nil without any.
	outstanding *outstanding
	// refused says why no pod may be placed by the report, nil if pods may.
	refused *verdict
	// allocatable is what the Node says of GPU resources, and nil where there is
	// no Node: then what the report lists counts.
	allocatable map[string]int
	room        *room // nil without a board

	rack   string
	owners []string // see tenancy.owners

	// seen is when the extender last saw the report change, by its own clock.
	seen *atomic.Int64
}

// verdict is what the node means for a demand if those pods that were decided on
// and may be on their way to it are, or are not.
func (s *snapshot) verdict(d *demand, way *underway) *verdict {
	switch {
	case s.board == nil:
		return verdictNoReport
	case s.refused != nil:
		return s.refused
	}
	v := s.state.verdict(d, way)
	if v.refused != nil || s.outstanding == nil || s.board.indifferent(d.requirement) {
		return v
	}
	if refused := s.board.unsettled(s.outstanding, d, way); refused != nil {
		return refused
	}
	return v
}

var verdictNoReport = refuse(causeNoReport, false, "no agent has reported the node's GPUs")

// report is what of a GPUNode is kept.
type report struct {
	digest      [32]byte // of all but the heartbeat
	board       *board
	allocations []allocation
	refused     *verdict // nil: it may be used
	version     reportVersion
}

// reportVersion orders the reports of a node: the sequence within one boot.
type reportVersion struct {
	bootID   string
	sequence int64
}

// refusalOf says why a report must not be used, nil if it may.
func refusalOf(n *v1alpha1.GPUNode) *verdict {
	ready := meta.FindStatusCondition(n.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		return refuse(causeNotReady, false, "the GPU report is not complete yet")
	case ready.Status != "True":
		return refuse(causeNotReady, false, "the GPU report is not ready: %s: %s", ready.Reason, ready.Message)
	}
	return nil
}

// age is for how long the report has not changed.
func (s *snapshot) age(now time.Duration) time.Duration {
	return now - time.Duration(s.seen.Load())
}

// freshness says what a report of an age is still worth.
type freshness struct{ stale, lost time.Duration }

// factor is 1 up to stale, falls to 0 at lost, and stays there.
func (f freshness) factor(age time.Duration) float64 {
	switch {
	case age <= f.stale:
		return 1
	case age >= f.lost:
		return 0
	}
	return float64(f.lost-age) / float64(f.lost-f.stale)
}
