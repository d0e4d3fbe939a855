package main

import (
	"io"
	"testing"

	"github.com/go-logr/logr"

	"usher.dev/usher/internal/metricspage"
)

// TestTheMetricsPage compares what the process exports with docs/metrics.md.
func TestTheMetricsPage(t *testing.T) {
	o, err := parseOptions([]string{"--node-name", "n", "--source", "mock:dgxh100"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	registry := newRegistry()
	if _, err := setup(o, registry, logr.Discard()); err != nil {
		t.Fatal(err)
	}
	metricspage.Check(t, "usher-agent", registry)
}
