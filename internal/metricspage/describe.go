// Package metricspage writes docs/metrics.md from the registries of usher's
// binaries, for their tests.
package metricspage

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Metric is one metric that a binary exports.
type Metric struct {
	Name, Type, Help string
	Labels           []string // sorted
}

// describe lists what is registered, in order of names, whether it has been
// counted yet or not.
func describe(registries ...*prometheus.Registry) ([]Metric, error) {
	byName := map[string]*Metric{}
	for _, registry := range registries {
		for _, desc := range descriptions(registry) {
			found, err := parse(desc)
			if err != nil {
				return nil, err
			}
			known := byName[found.Name]
			if known == nil {
				byName[found.Name] = &found
				known = &found
			}
			known.Labels = slices.Compact(slices.Sorted(slices.Values(append(known.Labels, found.Labels...))))
			known.Type = cmp.Or(known.Type, typeOf(registry, desc))
		}
		families, err := registry.Gather()
		if err != nil {
			return nil, fmt.Errorf("gather metrics: %w", err)
		}
		for _, family := range families {
			known := byName[family.GetName()]
			if known == nil {
				return nil, fmt.Errorf("metric %s is exported and not described", family.GetName())
			}
			known.Type = strings.ToLower(family.GetType().String())
		}
	}
	var all []Metric
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if byName[name].Type == "" {
			return nil, fmt.Errorf("the type of metric %s cannot be told", name)
		}
		all = append(all, *byName[name])
	}
	return all, nil
}

func descriptions(registry *prometheus.Registry) []*prometheus.Desc {
	out := make(chan *prometheus.Desc)
	go func() {
		defer close(out)
		registry.Describe(out)
	}()
	var all []*prometheus.Desc
	for desc := range out {
		all = append(all, desc)
	}
	return all
}

// parse reads a description. Its text is the only way to it: "Desc{fqName: "a",
// help: "b", unit: "c", constLabels: {d="e"}, variableLabels: {f,g}}".
func parse(desc *prometheus.Desc) (Metric, error) {
	var m Metric
	rest := desc.String()
	for _, part := range []struct {
		before string
		into   *string
	}{{"Desc{fqName: ", &m.Name}, {", help: ", &m.Help}, {", unit: ", new(string)}} {
		after, ok := strings.CutPrefix(rest, part.before)
		quoted, err := strconv.QuotedPrefix(after)
		if !ok || err != nil {
			return m, fmt.Errorf("read the description of a metric: want %q and a quoted text in %q", part.before, rest)
		}
		if *part.into, err = strconv.Unquote(quoted); err != nil {
			return m, fmt.Errorf("read the description of a metric: %w", err)
		}
		rest = after[len(quoted):]
	}
	constant, variable, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(rest, ", constLabels: {"), "}}"), "}, variableLabels: {")
	if !ok {
		return m, fmt.Errorf("read the description of a metric: no labels in %q", rest)
	}
	for _, label := range slices.Concat(strings.Split(constant, ","), strings.Split(variable, ",")) {
		if name, _, _ := strings.Cut(label, "="); name != "" {
			m.Labels = append(m.Labels, name)
		}
	}
	return m, nil
}

// typeOf is the type of what is registered under a description and nothing else;
// "" where it cannot be told.
func typeOf(registry *prometheus.Registry, desc *prometheus.Desc) string {
	err := registry.Register(double{desc})
	registered, ok := errors.AsType[prometheus.AlreadyRegisteredError](err)
	if !ok {
		return ""
	}
	switch registered.ExistingCollector.(type) {
	case *prometheus.CounterVec:
		return "counter"
	case *prometheus.GaugeVec:
		return "gauge"
	case *prometheus.HistogramVec:
		return "histogram"
	case *prometheus.SummaryVec:
		return "summary"
	}
	return ""
}

// double has the description of another collector, by which a registry tells
// which that is.
type double struct{ desc *prometheus.Desc }

func (d double) Describe(out chan<- *prometheus.Desc) { out <- d.desc }

func (d double) Collect(chan<- prometheus.Metric) {}
