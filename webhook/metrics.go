package webhook

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are the webhook's metrics. Labels are bounded: no names of objects,
// namespaces or users.
type Metrics struct {
	duration *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	findings *prometheus.CounterVec
	failures *prometheus.CounterVec
}

// NewMetrics registers the webhook's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	return &Metrics{
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "usher_admission_duration_seconds",
			Help:    "Time from the arrival of a review to its answer, by webhook (mutate, validate) and decision (allowed, denied, skipped, error).",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"webhook", "decision"}),
		inFlight: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "usher_admission_in_flight",
			Help: "Reviews that wait for an answer, by webhook.",
		}, []string{"webhook"}),
		findings: f.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_policy_findings_total",
			Help: "Findings of policies, by policy, check and what became of them (denied, warned, audited).",
		}, []string{"policy", "check", "action"}),
		failures: f.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_policy_failures_total",
			Help: "Evaluations that gave no verdict, by policy.",
		}, []string{"policy"}),
	}
}

func (m *Metrics) begin(webhook string) func(decision string, took time.Duration) {
	m.inFlight.WithLabelValues(webhook).Inc()
	return func(decision string, took time.Duration) {
		m.inFlight.WithLabelValues(webhook).Dec()
		m.duration.WithLabelValues(webhook, decision).Observe(took.Seconds())
	}
}

func (m *Metrics) found(out *Outcome) {
	for action, findings := range map[string][]Finding{"denied": out.Denied, "warned": out.Warned, "audited": out.Audited} {
		for _, f := range findings {
			m.findings.WithLabelValues(f.Policy, f.Check, action).Inc()
		}
	}
}

func (m *Metrics) policyFailed(err error) {
	if failed, ok := errors.AsType[*PolicyError](err); ok {
		m.failures.WithLabelValues(failed.Policy).Inc()
	}
}
