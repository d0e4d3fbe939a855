// Package doctor finds what will hurt a cluster that runs usher: it takes a
// snapshot of the cluster, or of rendered manifests, and looks at it with a list
// of checks.
package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says how much a finding hurts.
type Severity string

// Severities, the worst first.
const (
	// Error: something does not work, is not enforced, or will lock the cluster out.
	Error Severity = "error"
	// Warning: nothing is wrong yet, or less than it could be is right.
	Warning Severity = "warning"
)

var severities = []Severity{Error, Warning}

// Object names what a finding is about.
type Object struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

func (o Object) String() string {
	if o.Namespace != "" {
		return o.Kind + " " + o.Namespace + "/" + o.Name
	}
	return strings.TrimSpace(o.Kind + " " + o.Name)
}

// Finding is one thing that will hurt.
type Finding struct {
	// ID is that of the check that found it.
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Object   Object   `json:"object"`
	// Message says what is wrong, Advice what to do.
	Message string `json:"message"`
	Advice  string `json:"advice"`
}

// Check looks for one kind of trouble.
type Check struct {
	ID string
	// Title says in a few words what it looks at, Why what hurts otherwise.
	Title, Why string
	// Needs are the kinds without which it can say nothing. Files must have an
	// object of each, a cluster must let it be read.
	Needs []Kind
	// Reads are the kinds that it looks at beside them: a cluster must let them be
	// read, and files may have none.
	Reads []Kind
	// Live says that files cannot tell.
	Live bool
	// run is pure.
	run func(*Snapshot) []Finding
}

// Skipped is a check that was not made, and why.
type Skipped struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// Report is what all checks said.
type Report struct {
	// Source is "cluster" or "files".
	Source    string    `json:"source"`
	Namespace string    `json:"namespace"`
	Findings  []Finding `json:"findings"`
	// Passed are the checks that found nothing.
	Passed  []string  `json:"passed"`
	Skipped []Skipped `json:"skipped"`
}

// Examine makes all checks.
func Examine(s *Snapshot) *Report {
	r := &Report{Source: "files", Namespace: s.Namespace, Findings: []Finding{}, Passed: []string{}, Skipped: []Skipped{}}
	if s.Live {
		r.Source = "cluster"
	}
	for _, c := range Checks() {
		if reason := s.lacks(c); reason != "" {
			r.Skipped = append(r.Skipped, Skipped{c.ID, reason})
			continue
		}
		found := c.run(s)
		if len(found) == 0 {
			r.Passed = append(r.Passed, c.ID)
		}
		for _, f := range found {
			f.ID = c.ID
			r.Findings = append(r.Findings, f)
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity))
	})
	return r
}

// lacks says why a check cannot be made, "" if it can.
func (s *Snapshot) lacks(c *Check) string {
	var reasons []string
	if !s.Live && c.Live {
		return "only a cluster can tell"
	}
	for _, kind := range slices.Concat(c.Needs, c.Reads) {
		if reason := s.unread[kind]; reason != "" && !slices.Contains(reasons, reason) && (s.Live || slices.Contains(c.Needs, kind)) {
			reasons = append(reasons, reason)
		}
	}
	return strings.Join(reasons, "; ")
}

// Count counts the findings of a severity.
func (r *Report) Count(severity Severity) (n int) {
	for _, f := range r.Findings {
		if f.Severity == severity {
			n++
		}
	}
	return n
}

// Blind says that no check could be made.
func (r *Report) Blind() bool { return len(r.Findings) == 0 && len(r.Passed) == 0 }

func errorOf(o Object, advice, format string, args ...any) Finding {
	return Finding{Severity: Error, Object: o, Advice: advice, Message: fmt.Sprintf(format, args...)}
}

func warningOf(o Object, advice, format string, args ...any) Finding {
	f := errorOf(o, advice, format, args...)
	f.Severity = Warning
	return f
}
