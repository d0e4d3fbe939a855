package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// asked says how often a policy was asked and who answered.
type asked struct{ cache, rego float64 }

// cached is the share of answers that the verdict cache gave.
func (a asked) cached() float64 { return a.cache / (a.cache + a.rego) }

// evaluations returns how often each policy of a server was asked so far, nil
// for a server without policies.
func (p *process) evaluations(ctx context.Context) (map[string]asked, error) {
	content, err := p.get(ctx, p.probes+"/metrics")
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("read the metrics of %s: %w", p.kind.name, err)
	}
	var all map[string]asked
	for _, metric := range families["usher_policy_evaluations_total"].GetMetric() {
		labels := map[string]string{}
		for _, pair := range metric.GetLabel() {
			labels[pair.GetName()] = pair.GetValue()
		}
		if all == nil {
			all = map[string]asked{}
		}
		a := all[labels["policy"]]
		switch labels["source"] {
		case "cache":
			a.cache = metric.GetCounter().GetValue()
		case "rego":
			a.rego = metric.GetCounter().GetValue()
		}
		all[labels["policy"]] = a
	}
	return all, nil
}
