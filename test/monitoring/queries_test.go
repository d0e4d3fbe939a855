package monitoring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// ofTargets are the labels that Prometheus puts on every series of a target.
var ofTargets = []string{"job", "instance", "pod", "namespace", "container"}

func TestRulesAskForWhatUsherExports(t *testing.T) {
	known := metrics(t)
	for _, r := range rules(t) {
		name := r.Alert + r.Record
		for _, problem := range problems(known, r.Expr) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

func TestDashboardsAskForWhatUsherExports(t *testing.T) {
	known := metrics(t)
	queries := dashboardQueries(t)
	if len(queries) < 40 {
		t.Fatalf("only %d queries of dashboards", len(queries))
	}
	asked := map[string]bool{}
	for _, q := range queries {
		for _, problem := range problems(known, q.expr) {
			t.Errorf("%s: %s: %s", q.where, q.expr, problem)
		}
		note(asked, q.expr)
	}
	for _, r := range rules(t) {
		note(asked, r.Expr)
	}
	// What nobody looks at is said here, so that a new metric is put somewhere.
	for _, name := range unseen {
		asked[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if strings.HasPrefix(name, "usher_") && !asked[family(name)] {
			t.Errorf("no alert and no dashboard looks at %s", name)
		}
	}
}

// note notes the metrics of an expression that parses.
func note(asked map[string]bool, expr string) {
	if parsed, err := parse(expr); err == nil {
		for _, name := range selectors(parsed) {
			asked[family(name)] = true
		}
	}
}

// family is the histogram that a series is of, or the series itself.
func family(series string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		series = strings.TrimSuffix(series, suffix)
	}
	return series
}

// unseen are metrics for looking into one trouble, not for watching.
var unseen = []string{
	"usher_agent_report_sequence",
	"usher_authority_phase",
	"usher_certificate_errors_total",
	"usher_certificate_loads_total",
	"usher_certificate_renewals_total",
	"usher_extender_in_flight",
}

type dashboardQuery struct{ where, expr string }

// dashboardQueries are the expressions of all panels and variables, with values in
// place of Grafana's variables.
func dashboardQueries(t *testing.T) []dashboardQuery {
	t.Helper()
	text, err := os.ReadFile(inManifests("dashboards.yaml"))
	must(t, err)
	var all []dashboardQuery
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var configMap struct{ Data map[string]string }
		if err := decoder.Decode(&configMap); err != nil {
			return all
		}
		for name, text := range configMap.Data {
			var dashboard struct {
				Templating struct{ List []struct{ Query string } }
				Panels     []struct {
					Title   string
					Targets []struct{ Expr string }
				}
			}
			must(t, json.Unmarshal([]byte(text), &dashboard))
			for _, v := range dashboard.Templating.List {
				if metric, ok := strings.CutPrefix(v.Query, "label_values("); ok {
					metric, label, _ := strings.Cut(strings.TrimSuffix(metric, ")"), ", ")
					all = append(all, dashboardQuery{name, fmt.Sprintf("count by (%s) (%s)", label, metric)})
				}
			}
			values := strings.NewReplacer("$__rate_interval", "5m", "$policy", "gpu_quota", "$tenant", "vision")
			for _, p := range dashboard.Panels {
				for _, target := range p.Targets {
					all = append(all, dashboardQuery{name + ", " + p.Title, values.Replace(target.Expr)})
				}
			}
		}
	}
}

// problems says what is wrong with an expression: it does not parse, or asks for a
// metric or a label that is not there.
func problems(known map[string][]string, expr string) []string {
	parsed, err := parse(expr)
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	has := func(metric, label string) bool {
		// What a rule records has the labels that it is worked out by.
		return strings.Contains(metric, ":") || slices.Contains(known[metric], label) || slices.Contains(ofTargets, label)
	}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.VectorSelector:
			if _, ok := known[node.Name]; !ok {
				found = append(found, "no such metric: "+node.Name)
				return nil
			}
			for _, m := range node.LabelMatchers {
				if m.Name != "__name__" && !has(node.Name, m.Name) {
					found = append(found, fmt.Sprintf("%s has no label %s", node.Name, m.Name))
				}
			}
		case *parser.AggregateExpr:
			for _, label := range node.Grouping {
				if !slices.ContainsFunc(selectors(node), func(metric string) bool { return has(metric, label) }) {
					found = append(found, fmt.Sprintf("nothing in %s has the label %s", node, label))
				}
			}
		}
		return nil
	})
	return found
}

// selectors are the names of the metrics of an expression.
func selectors(of parser.Node) []string {
	var names []string
	parser.Inspect(of, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			names = append(names, s.Name)
		}
		return nil
	})
	return names
}

func TestProblemsOfQueriesAreFound(t *testing.T) {
	known := map[string][]string{"usher_a_total": {"policy"}}
	for expr, want := range map[string]string{
		`sum by (policy) (rate(usher_a_total{policy="x"}[5m]))`: "",
		`rate(usher_a_total[5m]`:                                "unclosed left parenthesis",
		`usher_b_total`:                                         "no such metric: usher_b_total",
		`usher_a_total{tenant="x"}`:                             "usher_a_total has no label tenant",
		`sum by (tenant) (usher_a_total)`:                       "has the label tenant",
	} {
		got := strings.Join(problems(known, expr), "; ")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

func parse(expr string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{}).ParseExpr(expr)
}
