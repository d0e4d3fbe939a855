package review

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/webhook"
)

// decisionOf reads a server's response.
func decisionOf(req *webhook.Request, response *admissionv1.AdmissionResponse) (*decision, error) {
	d := &decision{}
	if reason, skipped := strings.CutPrefix(response.AuditAnnotations["decision"], "skipped: "); skipped {
		d.notJudged = notJudged(req, reason)
	}
	if !response.Allowed {
		if err := d.addDenials(response); err != nil {
			return nil, err
		}
		if f := d.findings[0]; len(d.findings) == 1 && f.Policy == "usher" && f.Check == "unknown-kind" {
			return unknownKind(req), nil
		}
	}
	for _, line := range response.Warnings {
		d.findings = append(d.findings, parseFinding(line, req.Object(), v1alpha1.ModeWarn))
	}
	for line := range strings.Lines(response.AuditAnnotations["audited"]) {
		d.findings = append(d.findings, parseFinding(strings.TrimSpace(line), req.Object(), v1alpha1.ModeAudit))
	}
	return d, nil
}

var counted = regexp.MustCompile(`^(\d+) violations?:`)

// addDenials takes the violations from the causes of a denial. A refusal
// without causes is no verdict.
func (d *decision) addDenials(response *admissionv1.AdmissionResponse) error {
	status := response.Result
	switch {
	case status == nil:
		return errors.New("the server denies without saying why")
	case status.Code != http.StatusForbidden || status.Details == nil || len(status.Details.Causes) == 0:
		return fmt.Errorf("the server gives no verdict: %s", status.Message)
	}
	for _, cause := range status.Details.Causes {
		policy, check, _ := strings.Cut(string(cause.Type), "/")
		d.findings = append(d.findings, finding{
			Finding: verdict.Finding{Policy: policy, Check: check, Message: cause.Message},
			field:   cause.Field, mode: v1alpha1.ModeEnforce,
		})
	}
	if match := counted.FindStringSubmatch(status.Message); match != nil {
		if total, _ := strconv.Atoi(match[1]); total > len(d.findings) {
			d.problems = append(d.problems, fmt.Errorf("the server lists %d of %d violations; mend those and ask again", len(d.findings), total))
		}
	}
	return nil
}

// written is a finding as warnings and audit annotations write it.
var written = regexp.MustCompile(`^(?:([A-Za-z][\w-]*(?:\.[\w-]+|\[[^\]]*\])*): )?(.*?)(?: \(container "(?:[^"\\]|\\.)*"\))? \[([a-z0-9_]+)/([a-z0-9-]+)\]$`)

// parseFinding reads what webhook.Finding's String wrote. A word and a colon
// are a field only if the object has it.
func parseFinding(line string, object map[string]any, mode v1alpha1.Mode) finding {
	match := written.FindStringSubmatch(line)
	if match == nil {
		return finding{Finding: verdict.Finding{Policy: "usher", Check: "server", Message: line}, mode: mode}
	}
	field, message := match[1], match[2]
	top, _, _ := strings.Cut(field, ".")
	top, _, _ = strings.Cut(top, "[")
	if _, ok := object[top]; field != "" && !ok {
		field, message = "", field+": "+message
	}
	return finding{Finding: verdict.Finding{Policy: match[3], Check: match[4], Message: message}, field: field, mode: mode}
}
