package policytest_test

import (
	"context"
	"testing"

	"usher.dev/usher/cmd/usher/policytest"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/policies"
)

// TestTheEmbeddedPoliciesPass is `usher test` as a Go test: every unit test and
// fixture of the policies that usher ships, and that none is missing.
func TestTheEmbeddedPoliciesPass(t *testing.T) {
	results, err := policytest.Run(context.Background(), policytest.Options{FS: policies.FS})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		t.Run(r.Policy, func(t *testing.T) {
			for _, test := range r.Tests {
				if test.Outcome != engine.Passed {
					t.Errorf("%s %s/%s (%s:%d)\n%s", test.Outcome, test.Policy, test.Name, test.File, test.Line, test.Detail)
				}
			}
			for _, f := range r.Fixtures {
				t.Run(f.Name, func(t *testing.T) {
					if f.Failure != "" {
						t.Error(f.Failure)
					}
				})
			}
			for _, missing := range r.Missing {
				t.Error(missing)
			}
			t.Logf("%d unit tests, %d fixtures, %.1f %% covered", len(r.Tests), len(r.Fixtures), r.Coverage.Percent())
		})
	}
}
