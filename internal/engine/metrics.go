package engine

import (
	"github.com/prometheus/client_golang/prometheus"
)

var (
	evaluations = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "usher_policy_evaluations_total",
		Help: "Questions to policies, by policy and where the answer came from (cache, rego).",
	}, []string{"policy", "source"})
	reloads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "usher_policy_reloads_total",
		Help: "Attempts to put changed policies in force, by result (ok, failed).",
	}, []string{"result"})
	lastReload = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "usher_policy_reload_ok",
		Help: "1 when the policies in force are the newest ones, 0 when those could not be compiled.",
	})
)

var setDesc = prometheus.NewDesc(
	"usher_policy_set_info",
	"1, with the digest of the policies in force; replicas with the same digest give the same verdicts.",
	[]string{"digest"}, nil,
)

var _ prometheus.Collector = (*Engine)(nil)

// Describe implements prometheus.Collector.
func (e *Engine) Describe(out chan<- *prometheus.Desc) { out <- setDesc }

// Collect implements prometheus.Collector.
func (e *Engine) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(setDesc, prometheus.GaugeValue, 1, e.Set().Digest())
}

// Collectors returns the engine's metrics.
func Collectors() []prometheus.Collector {
	lastReload.Set(1)
	return []prometheus.Collector{evaluations, reloads, lastReload}
}

// CountReload counts an attempt to put changed policies in force.
func CountReload(err error) {
	if err != nil {
		reloads.WithLabelValues("failed").Inc()
		lastReload.Set(0)
		return
	}
	reloads.WithLabelValues("ok").Inc()
	lastReload.Set(1)
}
