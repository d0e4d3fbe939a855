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
	must(t, err)
	server, _, err := setup(o, nil, logging.New(io.Discard, false))
	must(t, err)
	metricspage.Check(t, "usher-webhook", server.Metrics.(*prometheus.Registry))
}
