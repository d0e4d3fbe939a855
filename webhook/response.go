package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
)

const (
	// maxListed bounds the violations that a message lists, maxMessage its bytes.
	maxListed  = 100
	maxMessage = 32 << 10
	// What a finding says may quote what a user wrote, of any length: these
	// bound the bytes of its parts.
	maxText      = 1024
	maxField     = 512
	maxContainer = 63 // of a container's name, by Kubernetes' own rules
	// maxWarnings bounds the warnings of a response: the API server cuts
	// what goes past 4 KiB in all.
	maxWarnings = 16
	// maxAnnotation bounds one audit annotation in bytes.
	maxAnnotation = 8 << 10
)

// String says what was found, where, and by which check.
func (f Finding) String() string {
	var b strings.Builder
	if f.Field != "" {
		b.WriteString(clip(f.Field, maxField) + ": ")
	}
	b.WriteString(clip(f.Message, maxText))
	if f.Container != "" {
		fmt.Fprintf(&b, " (container %q)", clip(f.Container, maxContainer))
	}
	fmt.Fprintf(&b, " [%s/%s]", f.Policy, f.Check)
	return b.String()
}

// clip cuts a text to a number of bytes, between characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// Message lists every violation, one a line.
func (o *Outcome) Message() string {
	if o.Allowed() {
		return ""
	}
	var b strings.Builder
	if n := len(o.Denied); n == 1 {
		b.WriteString("1 violation:")
	} else {
		fmt.Fprintf(&b, "%d violations:", n)
	}
	for i, f := range o.Denied {
		line := f.String()
		if i == maxListed || b.Len()+len(line) > maxMessage {
			fmt.Fprintf(&b, "\n  and %d more; `usher review` lists them all", len(o.Denied)-i)
			break
		}
		b.WriteString("\n  " + line)
	}
	return b.String()
}

// Response makes the AdmissionResponse of an outcome.
func (o *Outcome) Response(uid string) (*admissionv1.AdmissionResponse, error) {
	r := &admissionv1.AdmissionResponse{
		UID:              types.UID(uid),
		Allowed:          o.Allowed(),
		AuditAnnotations: o.annotations(),
	}
	for i, f := range o.Warned {
		if i == maxWarnings {
			r.Warnings = append(r.Warnings, fmt.Sprintf("and %d more warnings; `usher review` lists them all", len(o.Warned)-i))
			break
		}
		r.Warnings = append(r.Warnings, f.String())
	}
	if !r.Allowed {
		r.Result = &metav1.Status{
			Status:  metav1.StatusFailure,
			Code:    http.StatusForbidden,
			Reason:  metav1.StatusReasonForbidden,
			Message: o.Message(),
			Details: &metav1.StatusDetails{Causes: o.causes()},
		}
		return r, nil
	}
	if operations := o.operations(); len(operations) > 0 {
		patch, err := json.Marshal(operations)
		if err != nil {
			return nil, fmt.Errorf("encode the patch: %w", err)
		}
		jsonPatch := admissionv1.PatchTypeJSONPatch
		r.Patch, r.PatchType = patch, &jsonPatch
	}
	return r, nil
}

// causes lists the violations for programs.
func (o *Outcome) causes() []metav1.StatusCause {
	listed := o.Denied[:min(len(o.Denied), maxListed)]
	causes := make([]metav1.StatusCause, len(listed))
	for i, f := range listed {
		causes[i] = metav1.StatusCause{
			Type:    metav1.CauseType(f.Policy + "/" + f.Check),
			Field:   clip(f.Field, maxField),
			Message: clip(f.Message, maxText),
		}
	}
	return causes
}

// annotations tells the API server's audit log which policies judged and what
// they found. The API server puts the webhook's name before each key.
func (o *Outcome) annotations() map[string]string {
	a := map[string]string{"policies": o.Digest}
	switch {
	case o.Skipped != "":
		a["decision"] = "skipped: " + o.Skipped
	case o.Allowed():
		a["decision"] = "allowed"
	default:
		a["decision"] = "denied"
	}
	if o.Tenant != "" {
		a["tenant"] = clip(o.Tenant, maxField)
	}
	if len(o.Modes) > 0 {
		a["modes"] = o.modes()
	}
	if o.Reserved != nil {
		a["reservation"], a["reserved-gpus"] = o.Reserved.ID, o.Reserved.Units.String()
	}
	for key, findings := range map[string][]Finding{"denied": o.Denied, "warned": o.Warned, "audited": o.Audited} {
		if len(findings) == 0 {
			continue
		}
		var b strings.Builder
		for i, f := range findings {
			line := f.String()
			if b.Len()+len(line) > maxAnnotation {
				fmt.Fprintf(&b, "and %d more", len(findings)-i)
				break
			}
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(line)
		}
		a[key] = b.String()
	}
	return a
}

// modes lists the policies that were asked by their modes, as in "enforce: a, b;
// audit: c".
func (o *Outcome) modes() string {
	var parts []string
	for _, mode := range v1alpha1.Modes {
		var names []string
		for name, m := range o.Modes {
			if m == mode {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			parts = append(parts, string(mode)+": "+strings.Join(names, ", "))
		}
	}
	return clip(strings.Join(parts, "; "), maxAnnotation)
}
