package engine

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/rego"

	"usher.dev/usher/internal/verdict"
)

// Coverage says how much of a policy's rules its tests and fixtures reach.
type Coverage struct {
	// Lines and Covered count lines that hold a rule's head or an expression.
	Lines, Covered int
	// Missed are the lines that nothing reaches, as file:line or file:from-to.
	Missed []string
}

// Percent is 100 for a policy without a line.
func (c Coverage) Percent() float64 {
	if c.Lines == 0 {
		return 100
	}
	return 100 * float64(c.Covered) / float64(c.Lines)
}

// Observe asks a set about an input of a fixture for the sake of the coverage
// alone. The set's policies must be those of the tests.
func (t *UnitTests) Observe(ctx context.Context, set *Set, in verdict.Input) error {
	for _, p := range set.policies {
		doc, err := p.document(set.config, in)
		if err != nil {
			return err
		}
		for _, q := range []*query{p.judge, p.patch, p.reserve} {
			if q == nil {
				continue
			}
			if _, err := q.eval.prepared.Eval(ctx, rego.EvalParsedInput(q.reads.Project(doc).Value), rego.EvalQueryTracer(t.cover)); err != nil {
				return fmt.Errorf("policy %s: %w", p.Name, err)
			}
		}
	}
	return nil
}

// Coverage gives what runs and observations reached so far, of every folder of
// policies and libraries.
func (t *UnitTests) Coverage() map[string]Coverage {
	report := t.cover.Report(t.modules)
	byFolder := map[string]Coverage{}
	for _, name := range slices.Sorted(maps.Keys(report.Files)) {
		file := report.Files[name]
		if strings.HasSuffix(name, "_test.rego") || strings.HasPrefix(name, beneathPrefix) || t.modules[name] == nil {
			continue
		}
		c := byFolder[path.Dir(name)]
		c.Covered += file.CoveredLines
		c.Lines += file.CoveredLines + file.NotCoveredLines
		for _, r := range file.NotCovered {
			place := fmt.Sprintf("%s:%d", name, r.Start.Row)
			if r.End.Row > r.Start.Row {
				place += fmt.Sprintf("-%d", r.End.Row)
			}
			c.Missed = append(c.Missed, place)
		}
		byFolder[path.Dir(name)] = c
	}
	return byFolder
}
