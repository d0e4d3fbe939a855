package monitoring

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestPromtoolTakesTheRules(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "rules.yaml"), map[string]any{"groups": groups(t)})
	run(t, folder, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")
}

// TestEveryAlertFiresAndIsQuiet has promtool play the series of each case.
func TestEveryAlertFiresAndIsQuiet(t *testing.T) {
	var tests []any
	for _, c := range cases {
		for i, series := range [][]string{c.fires, c.quiet} {
			samples := []any{}
			if i == 0 {
				samples = append(samples, map[string]any{"labels": "{}", "value": 1})
			}
			tests = append(tests, map[string]any{
				"name":         fmt.Sprintf("%s %s", c.alert, []string{"fires", "is quiet"}[i]),
				"interval":     "1m",
				"input_series": input(t, series),
				"promql_expr_test": []any{map[string]any{
					"expr":        fmt.Sprintf(`count(ALERTS{alertname=%q, alertstate="firing"})`, c.alert),
					"eval_time":   c.at,
					"exp_samples": samples,
				}},
			})
		}
	}
	folder := t.TempDir()
	write(t, filepath.Join(folder, "rules.yaml"), map[string]any{"groups": groups(t)})
	write(t, filepath.Join(folder, "cases.yaml"), map[string]any{
		"rule_files": []string{"rules.yaml"}, "evaluation_interval": "1m", "tests": tests,
	})
	run(t, folder, "test", "rules", "cases.yaml")
}

// input splits "name{labels} values" into what promtool wants.
func input(t *testing.T, series []string) []any {
	t.Helper()
	all := []any{}
	for _, s := range series {
		name, values, ok := strings.Cut(s, " ")
		if !ok {
			t.Fatalf("series %q has no values", s)
		}
		all = append(all, map[string]any{"series": name, "values": values})
	}
	return all
}

func TestEveryAlertHasACase(t *testing.T) {
	var want, got []string
	for _, r := range rules(t) {
		if r.Alert != "" {
			want = append(want, r.Alert)
		}
	}
	for _, c := range cases {
		got = append(got, c.alert)
		if len(c.fires) == 0 || slices.Equal(c.fires, c.quiet) {
			t.Errorf("%s: what fires and what does not is the same", c.alert)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("alerts %q\ncases %q\nGive each alert one case in cases_test.go.", want, got)
	}
}

var heading = regexp.MustCompile(`(?m)^### (Usher\w+)$`)

func TestEveryAlertSaysWhatToDo(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "observability.md"))
	must(t, err)
	runbooks := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(string(page), -1) {
		runbooks[match[1]] = true
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: severity %q, want critical or warning", r.Alert, s)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s: no summary or no description", r.Alert)
		}
		if want := "docs/observability.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want {
			t.Errorf("%s: runbook %q, want %q", r.Alert, r.Annotations["runbook"], want)
		}
		if !runbooks[r.Alert] {
			t.Errorf("%s: docs/observability.md has no heading \"### %s\"", r.Alert, r.Alert)
		}
		delete(runbooks, r.Alert)
	}
	for name := range runbooks {
		t.Errorf("docs/observability.md has a runbook of %s, which is no alert", name)
	}
}
