package webhook

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
)

func TestTheAuditLogIsToldWhichPoliciesJudgedInWhichMode(t *testing.T) {
	req := &Request{UID: "u"}
	out := &Outcome{Digest: "sha256:d", Tenant: "vision"}
	finding := func(policy string) []verdict.Finding {
		return []verdict.Finding{{Policy: policy, Check: "c", Message: "m"}}
	}
	out.add(req, []verdict.Result{
		{Policy: "b", Mode: v1alpha1.ModeEnforce, Deny: finding("b")},
		{Policy: "a", Mode: v1alpha1.ModeEnforce},
		{Policy: "c", Mode: v1alpha1.ModeWarn, Deny: finding("c")},
		{Policy: "d", Mode: v1alpha1.ModeAudit, Deny: finding("d")},
	}, "", nil)
	want := map[string]string{
		"policies": "sha256:d", "decision": "denied", "tenant": "vision", "modes": "enforce: a, b; warn: c; audit: d",
		"denied": "m [b/c]", "warned": "m [c/c]", "audited": "m [d/c]",
	}
	if diff := cmp.Diff(want, out.annotations()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAuditAnnotationsAreBounded(t *testing.T) {
	out := &Outcome{Tenant: strings.Repeat("t", 1<<20), Modes: map[string]v1alpha1.Mode{strings.Repeat("p", 1<<20): v1alpha1.ModeEnforce}}
	for range 10_000 {
		out.Denied = append(out.Denied, Finding{Finding: verdict.Finding{Policy: "p", Check: "c", Message: strings.Repeat("m", 1<<10)}})
	}
	for key, value := range out.annotations() {
		if len(value) > 2*maxAnnotation {
			t.Errorf("%s has %d bytes", key, len(value))
		}
	}
}
