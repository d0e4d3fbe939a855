package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The annotations of the API server's audit log by which usher's webhooks say that
// they have judged a request.
const (
	mutateDigest     = "mutate.usher.dev/policies"
	validateDigest   = "validate.usher.dev/policies"
	validateDecision = "validate.usher.dev/decision"
)

// Audited is what an audit log says of requests.
type Audited map[string][]event

// event is one event of an audit log.
type event struct {
	AuditID        string
	ResponseStatus struct{ Code int }
	Annotations    map[string]string
}

// Read adds an audit log, one JSON event a line.
func (a Audited) Read(log []byte) error {
	for line := range bytes.Lines(log) {
		if !bytes.Contains(line, []byte(auditPrefix)) {
			continue
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		a[e.AuditID] = append(a[e.AuditID], e)
	}
	return nil
}

// Check marks what was admitted, and is not in the log as judged by the webhooks that
// had to be asked, and what was denied by others.
func (a Audited) Check(results []Result) {
	for i := range results {
		r := &results[i]
		if r.Fault != "" || !r.Mutated && !r.Validated {
			continue
		}
		if why := a.unjudged(r); why != "" {
			r.Fault, r.Why = Unjudged, why
		}
	}
}

func (a Audited) unjudged(r *Result) string {
	events := a[r.AuditID]
	if len(events) == 0 {
		return "it is not in the audit log"
	}
	want := "denied"
	if r.Admitted {
		want = "allowed"
	}
	for _, e := range events {
		// A request that was sent again may have come to nothing the first time.
		if succeeded := e.ResponseStatus.Code < 300; succeeded != r.Admitted && len(events) > 1 {
			continue
		}
		switch {
		case r.Validated && e.Annotations[validateDecision] != want, r.Validated && e.Annotations[validateDigest] == "":
			return fmt.Sprintf("the audit log has not %q by the validating webhook: %s", want, said(e.Annotations))
		case r.Mutated && e.Annotations[mutateDigest] == "":
			return fmt.Sprintf("the audit log has nothing of the mutating webhook: %s", said(e.Annotations))
		}
	}
	return ""
}

func said(annotations map[string]string) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		out = append(out, key+"="+annotations[key])
	}
	return strings.Join(out, ", ")
}
