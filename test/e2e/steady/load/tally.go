package load

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Result is what became of one request.
type Result struct {
	At        time.Time
	Took      time.Duration
	Event     string // that was under way when it was sent
	What      string
	AuditID   string
	Resent    int
	Mutated   bool // that it had to be judged by the mutating webhook
	Validated bool // the same of the validating one
	Admitted  bool
	Fault     Fault // "": it is right
	Why       string
}

func (r *Result) String() string {
	return fmt.Sprintf("%s, during %q, %s: %s: %s", r.At.UTC().Format("15:04:05.000"), r.Event, r.What, r.Fault, r.Why)
}

// Tally counts results by the event that was under way.
type Tally struct {
	mu      sync.Mutex
	event   string
	results []Result
	late    int
}

// Begin says that an event is under way from now on.
func (t *Tally) Begin(event string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.event = event
}

func (t *Tally) current() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.event
}

func (t *Tally) add(r Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.results = append(t.results, r)
}

// Results are those so far, in the order in which they ended.
func (t *Tally) Results() []Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.results)
}

// Count is how many requests have ended.
func (t *Tally) Count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.results)
}

// Late is how many requests were due and could not be sent, since all workers
// waited for answers.
func (t *Tally) Late() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.late
}

// Figures sum results up.
type Figures struct {
	Requests, Admitted, Denied, Resent int
	Failed, Wrong, Unjudged            int
	// Median, P99 and Slowest are times that requests took.
	Median, P99, Slowest time.Duration
}

// Sum sums results up.
func Sum(results []Result) Figures {
	f := Figures{Requests: len(results)}
	took := make([]time.Duration, len(results))
	for i, r := range results {
		took[i] = r.Took
		f.Resent += r.Resent
		switch {
		case r.Fault == Failed:
			f.Failed++
		case r.Fault == Wrong:
			f.Wrong++
		case r.Fault == Unjudged:
			f.Unjudged++
		case r.Admitted:
			f.Admitted++
		default:
			f.Denied++
		}
	}
	if slices.Sort(took); len(took) > 0 {
		f.Median, f.P99, f.Slowest = took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
	}
	return f
}
