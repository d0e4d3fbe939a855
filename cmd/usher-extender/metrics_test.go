package main

import (
	"io"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/internal/logging"
	"usher.dev/usher/internal/metricspage"
)

// TestTheMetricsPage compares what the process exports with docs/metrics.md.
func TestTheMetricsPage(t *testing.T) {
	o, err := parseOptions([]string{"--cert-dir", metricspage.Certificate(t), "--kubeconfig", metricspage.Kubeconfig(t)}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	server, _, err := setup(o, nil, logging.New(io.Discard, false))
	if err != nil {
		t.Fatal(err)
	}
	metricspage.Check(t, "usher-extender", server.Metrics.(*prometheus.Registry))
}
