package main

import (
	"io"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/internal/metricspage"
)

// TestTheMetricsPage compares what the process exports with docs/metrics.md.
func TestTheMetricsPage(t *testing.T) {
	o, err := parseOptions([]string{"--cert-mode", "self", "--kubeconfig", metricspage.Kubeconfig(t)}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	c, err := setup(o, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	var registries []*prometheus.Registry
	for _, gatherer := range c.metrics() {
		registries = append(registries, gatherer.(*prometheus.Registry))
	}
	metricspage.Check(t, "usher-controller", registries...)
}
