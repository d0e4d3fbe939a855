package review

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/report"
	"usher.dev/usher/policies"
	"usher.dev/usher/quota"
	"usher.dev/usher/webhook"
)

// timeout bounds the review of one object, as an API server bounds it.
const timeout = 10 * time.Second

// local judges with policies of its own.
type local struct {
	set       *engine.Set
	reviewer  *webhook.Reviewer
	requester webhook.Offline
}

func newLocal(o Options, objects []reviewed) (*local, error) {
	cfg, err := config.Load(o.Config)
	if err != nil {
		return nil, err
	}
	sources := []fs.FS{policies.FS}
	if o.PolicyDir != "" {
		if _, err := os.Stat(o.PolicyDir); err != nil {
			return nil, fmt.Errorf("read policies: %w", err)
		}
		sources = append(sources, os.DirFS(o.PolicyDir))
	}
	set, err := engine.Compile(cfg, sources...)
	if err != nil {
		return nil, err
	}
	around, err := surroundings(o.ObjectsDir, objects)
	if err != nil {
		return nil, err
	}
	reviewer, err := webhook.NewReviewer(engine.New(set).Current, around, quota.NewFixed(around), cfg)
	if err != nil {
		return nil, err
	}
	return &local{set, reviewer, o.Requester}, nil
}

func (l *local) judge(ctx context.Context, _ int, object map[string]any) (*decision, error) {
	req, err := NewRequest(object, nil, l.requester)
	if err != nil {
		return nil, err
	}
	if !l.reviewer.Judges(req) {
		return unknownKind(req), nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := l.reviewer.Review(ctx, req, engine.Apply)
	if err != nil {
		return nil, err
	}
	d := &decision{problems: out.Errors}
	if out.Skipped != "" {
		d.notJudged = notJudged(req, out.Skipped)
	}
	for _, f := range slices.Concat(out.Denied, out.Warned, out.Audited) {
		d.findings = append(d.findings, finding{Finding: f.Finding, mode: f.Mode})
	}
	return d, nil
}

func (l *local) rules() ([]report.Rule, error) { return rulesOf(l.set), nil }

// rulesOf lists the checks of a set.
func rulesOf(set *engine.Set) []report.Rule {
	var rules []report.Rule
	for _, p := range set.Policies() {
		for _, check := range slices.Sorted(maps.Keys(p.Checks)) {
			rules = append(rules, report.Rule{
				Policy: p.Name, Check: check, Title: p.Title, Description: p.Checks[check], Severity: p.Severity,
			})
		}
	}
	return rules
}
