package agent

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/api/v1alpha1"
)

// Metrics are what the agent counts of itself.
type Metrics struct {
	duration *prometheus.HistogramVec
	success  *prometheus.GaugeVec
	reports  *prometheus.CounterVec
	sequence prometheus.Gauge
	health   *prometheus.GaugeVec
}

// NewMetrics registers the agent's metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "usher_agent_probe_duration_seconds",
			Help:    "How long a probe took to read the machine.",
			Buckets: []float64{.0001, .001, .01, .1, 1, 10, 60},
		}, []string{"probe"}),
		success: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "usher_agent_probe_success",
			Help: "Whether a probe could read everything the last time.",
		}, []string{"probe"}),
		reports: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_agent_report_writes_total",
			Help: "Attempts to write a report, by outcome: written or failed.",
		}, []string{"outcome"}),
		sequence: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "usher_agent_report_sequence",
			Help: "Sequence of the report that was written last.",
		}),
		health: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "usher_agent_gpus",
			Help: "GPUs of the node by health.",
		}, []string{"health"}),
	}
	registry.MustRegister(m.duration, m.success, m.reports, m.sequence, m.health)
	return m
}

func (m *Metrics) probed(probe string, took time.Duration, err error) {
	m.duration.WithLabelValues(probe).Observe(took.Seconds())
	success := 1.0
	if err != nil {
		success = 0
	}
	m.success.WithLabelValues(probe).Set(success)
}

func (m *Metrics) wrote(sequence int64, err error) {
	if err != nil {
		m.reports.WithLabelValues("failed").Inc()
		return
	}
	m.reports.WithLabelValues("written").Inc()
	m.sequence.Set(float64(sequence))
}

func (m *Metrics) gpus(gpus []v1alpha1.GPU) {
	count := map[v1alpha1.Health]float64{v1alpha1.Healthy: 0, v1alpha1.Degraded: 0, v1alpha1.Unhealthy: 0}
	for _, g := range gpus {
		count[g.Health]++
	}
	for health, n := range count {
		m.health.WithLabelValues(string(health)).Set(n)
	}
}
