package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/verdict"
)

// policyText writes a policy with one check, named like it.
func policyText(name, rules string) string {
	return fmt.Sprintf("# METADATA\n# title: %[1]s\n# custom:\n#   checks:\n#     %[1]s: what it holds\npackage usher.%[1]s\n\n%[2]s\n", name, rules)
}

// folder holds each policy in a folder of its own.
func folder(policies map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range policies {
		fsys[name+"/"+name+".rego"] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func configuration(t testing.TB, yaml string) *v1alpha1.AdmissionConfiguration {
	t.Helper()
	cfg, err := config.Parse([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func compiled(t testing.TB, yaml string, policies map[string]string) *Set {
	t.Helper()
	set, err := Compile(configuration(t, yaml), folder(policies))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// podInput is a pod with that spec and labels.
func podInput(labels map[string]any, spec map[string]any) verdict.Input {
	return verdict.Input{
		Request: map[string]any{"operation": "CREATE"},
		Pod:     map[string]any{"path": "", "metadata": map[string]any{"labels": labels}, "spec": spec},
	}
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// summary writes results as text: policy, mode, rule and message of each
// finding, and errors.
func summary(results []verdict.Result) string {
	var lines []string
	for _, r := range results {
		var found []string
		for rule, findings := range map[string][]verdict.Finding{"deny": r.Deny, "warn": r.Warn, "audit": r.Audit} {
			for _, f := range findings {
				found = append(found, rule+" "+f.Message)
			}
		}
		if r.Err != nil {
			found = append(found, "error "+r.Err.Error())
		}
		slices.Sort(found)
		lines = append(lines, fmt.Sprintf("%s %s: %s", r.Policy, r.Mode, cmp.Or(strings.Join(found, ", "), "nothing")))
	}
	return strings.Join(lines, "\n")
}

func TestUseReplacesTheSetForReviewsThatBeginLater(t *testing.T) {
	first := compiled(t, "", map[string]string{"a": policyText("a", `deny contains {"check": "a", "msg": "first"}`)})
	second := compiled(t, "", map[string]string{"a": policyText("a", `deny contains {"check": "a", "msg": "second"}`)})
	e := New(first)
	begun := e.Current()
	e.Use(second)
	if got := summary(begun.Validate(t.Context(), podInput(nil, nil))); got != "a enforce: deny first" {
		t.Error("a review that had begun:", got)
	}
	if got := summary(e.Current().Validate(t.Context(), podInput(nil, nil))); got != "a enforce: deny second" {
		t.Error("a review after it:", got)
	}
	if e.Set() != second {
		t.Error("Set is not the set in force")
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
