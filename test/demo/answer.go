package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
)

// answer is what the webhook said: first to mutate, then to validate what the
// mutation made of the object.
type answer struct {
	mutate, validate *admissionv1.AdmissionResponse
}

// verdict names the answer as sample files do.
func (a answer) verdict() string {
	switch {
	case !a.mutate.Allowed:
		return "refused by the mutating webhook"
	case !a.validate.Allowed:
		return "denied by " + strings.Join(a.policies(), ", ")
	case len(a.mutate.Patch) > 0:
		return "patched"
	default:
		return "admitted"
	}
}

// policies lists the policies that denied, from the causes of the denial.
func (a answer) policies() []string {
	if a.validate.Result == nil || a.validate.Result.Details == nil {
		return []string{"no policy"}
	}
	var names []string
	for _, cause := range a.validate.Result.Details.Causes {
		policy, _, _ := strings.Cut(string(cause.Type), "/")
		names = append(names, policy)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// show explains one answer.
func show(out io.Writer, s sample, a answer) {
	fmt.Fprintf(out, "\n%s: %s\n", s.file, s.about)
	if !a.mutate.Allowed {
		fmt.Fprintf(out, "    mutate    refused: %s\n", indent(message(a.mutate)))
		return
	}
	var operations []struct {
		Op    string          `json:"op"`
		Path  string          `json:"path"`
		Value json.RawMessage `json:"value"`
	}
	// What does not decode was refused before, when the patch was applied.
	_ = json.Unmarshal(a.mutate.Patch, &operations)
	if len(operations) == 0 {
		fmt.Fprintln(out, "    mutate    nothing to change")
	}
	for _, o := range operations {
		fmt.Fprintf(out, "    mutate    %s %s %s\n", o.Op, o.Path, o.Value)
	}
	for _, warning := range slices.Concat(a.mutate.Warnings, a.validate.Warnings) {
		fmt.Fprintf(out, "    warning   %s\n", indent(warning))
	}
	if a.validate.Allowed {
		fmt.Fprintln(out, "    validate  allowed")
		return
	}
	fmt.Fprintf(out, "    validate  denied, %s\n", indent(message(a.validate)))
}

// message is what a response tells the user.
func message(r *admissionv1.AdmissionResponse) string {
	if r.Result == nil {
		return "no reason given"
	}
	return r.Result.Message
}

// indent puts the further lines of a text below its first.
func indent(text string) string { return strings.ReplaceAll(text, "\n", "\n            ") }
