package load

import "testing"

const log = `{"kind":"Event","auditID":"another","annotations":{}}
{"auditID":"steady-load-1","responseStatus":{"code":201},"annotations":{"mutate.usher.dev/policies":"sha256:1","validate.usher.dev/policies":"sha256:1","validate.usher.dev/decision":"allowed"}}
{"auditID":"steady-load-2","responseStatus":{"code":403},"annotations":{"mutate.usher.dev/policies":"sha256:1","validate.usher.dev/policies":"sha256:1","validate.usher.dev/decision":"denied"}}
{"auditID":"steady-load-3","responseStatus":{"code":201},"annotations":{}}
{"auditID":"steady-load-4","responseStatus":{"code":201},"annotations":{"mutate.usher.dev/policies":"sha256:1"}}
{"auditID":"steady-load-5","responseStatus":{"code":201},"annotations":{"validate.usher.dev/policies":"sha256:1","validate.usher.dev/decision":"allowed"}}
{"auditID":"steady-load-6","responseStatus":{"code":201},"annotations":{"mutate.usher.dev/policies":"sha256:1","validate.usher.dev/policies":"sha256:1","validate.usher.dev/decision":"skipped: paused"}}
{"auditID":"steady-load-7","responseStatus":{"code":500},"annotations":{}}
{"auditID":"steady-load-7","responseStatus":{"code":200},"annotations":{"validate.usher.dev/policies":"sha256:1","validate.usher.dev/decision":"allowed"}}
`

func TestTheAuditLogTellsWhatWasNotJudged(t *testing.T) {
	audited := Audited{}
	if err := audited.Read([]byte(log)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		result Result
		is     Fault
	}{
		"judged and admitted":                   {Result{AuditID: "steady-load-1", Mutated: true, Validated: true, Admitted: true}, ""},
		"judged and denied":                     {Result{AuditID: "steady-load-2", Mutated: true, Validated: true}, ""},
		"denied, and judged to be allowed":      {Result{AuditID: "steady-load-1", Mutated: true, Validated: true}, Unjudged},
		"judged by nobody":                      {Result{AuditID: "steady-load-3", Mutated: true, Validated: true, Admitted: true}, Unjudged},
		"mutated and not validated":             {Result{AuditID: "steady-load-4", Mutated: true, Validated: true, Admitted: true}, Unjudged},
		"validated and not mutated":             {Result{AuditID: "steady-load-5", Mutated: true, Validated: true, Admitted: true}, Unjudged},
		"validated, and not to be mutated":      {Result{AuditID: "steady-load-5", Validated: true, Admitted: true}, ""},
		"passed over":                           {Result{AuditID: "steady-load-6", Mutated: true, Validated: true, Admitted: true}, Unjudged},
		"sent again after it came to nothing":   {Result{AuditID: "steady-load-7", Validated: true, Admitted: true, Resent: 1}, ""},
		"not in the log":                        {Result{AuditID: "steady-load-8", Validated: true, Admitted: true}, Unjudged},
		"a deletion, which nobody has to judge": {Result{AuditID: "steady-load-3", Admitted: true}, ""},
		"failed already":                        {Result{AuditID: "steady-load-3", Validated: true, Fault: Failed}, Failed},
	} {
		results := []Result{test.result}
		audited.Check(results)
		if results[0].Fault != test.is || (test.is != "" && test.is != Failed) != (results[0].Why != "") {
			t.Errorf("%s: %q, %s, want %q", name, results[0].Fault, results[0].Why, test.is)
		}
	}
}
