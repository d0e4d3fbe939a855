package extender

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are the extender's metrics. Labels are bounded: no names of nodes or
// pods.
type Metrics struct {
	duration    *prometheus.HistogramVec
	inFlight    prometheus.Gauge
	filtered    *prometheus.CounterVec
	waits       prometheus.Histogram
	rebuilds    prometheus.Histogram
	predictions *prometheus.CounterVec
	best        prometheus.Histogram
	terms       *prometheus.HistogramVec
}

// NewMetrics registers the extender's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	fine := []float64{.00001, .000025, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	tenths := prometheus.LinearBuckets(.1, .1, 10)
	m := &Metrics{
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "usher_extender_duration_seconds",
			Help:    "Time from the arrival of a question to its answer, by verb (filter, prioritize, preempt) and result (answered, refused, error).",
			Buckets: fine,
		}, []string{"verb", "result"}),
		inFlight: f.NewGauge(prometheus.GaugeOpts{
			Name: "usher_extender_in_flight",
			Help: "Questions that wait for an answer.",
		}),
		filtered: f.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_extender_filtered_nodes_total",
			Help: "Nodes that were filtered, by cause.",
		}, []string{"cause"}),
		waits: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "usher_extender_bind_wait_seconds",
			Help:    "Time that filters waited to see where pods before were bound.",
			Buckets: fine,
		}),
		rebuilds: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "usher_extender_node_update_seconds",
			Help:    "Time to work out a node anew after its report or its pods changed.",
			Buckets: fine,
		}),
		predictions: f.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_extender_predictions_total",
			Help: "Containers whose GPUs were predicted when their pod was bound and reported later, by result (exact, equal: another of the sets between which the device plugin decides by chance, wrong).",
		}, []string{"result"}),
		best: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "usher_extender_best_score",
			Help:    "Score, from 0 to 1, of the best node of each ranking.",
			Buckets: tenths,
		}),
		terms: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "usher_extender_best_term_score",
			Help:    "Score, from 0 to 1, that each term gave the best node of a ranking, by term; rankings that a term says nothing of are left out.",
			Buckets: tenths,
		}, []string{"term"}),
	}
	for _, result := range []string{predictedExactly, predictedEqual, predictedWrongly} {
		m.predictions.WithLabelValues(result)
	}
	return m
}

func (m *Metrics) begin(verb string) func(result string, took time.Duration) {
	m.inFlight.Inc()
	return func(result string, took time.Duration) {
		m.inFlight.Dec()
		m.duration.WithLabelValues(verb, result).Observe(took.Seconds())
	}
}

func (m *Metrics) rebuilt(took time.Duration) { m.rebuilds.Observe(took.Seconds()) }

func (m *Metrics) waited(took time.Duration) { m.waits.Observe(took.Seconds()) }

func (m *Metrics) refused(c cause, n int) { m.filtered.WithLabelValues(string(c)).Add(float64(n)) }

func (m *Metrics) predicted(result string) { m.predictions.WithLabelValues(result).Inc() }

// ranked counts what the best node of a ranking scored.
func (m *Metrics) ranked(rows []row) {
	var best *row
	for i := range rows {
		if r := &rows[i]; r.refused == nil && (best == nil || r.total > best.total) {
			best = r
		}
	}
	if best == nil {
		return
	}
	m.best.Observe(float64(best.total))
	for i, score := range best.scores {
		if score != notAsked {
			m.terms.WithLabelValues(terms[i].name).Observe(float64(score))
		}
	}
}

// Collectors are metrics of the nodes by how old their reports are, counted when asked.
func (s *Store) Collectors() []prometheus.Collector {
	count := func(want string) func() float64 {
		return func() float64 {
			now, n := s.clock(), 0
			for _, node := range *s.names.Load() {
				if s.reportState(node.current.Load(), now) == want {
					n++
				}
			}
			return float64(n)
		}
	}
	var all []prometheus.Collector
	for _, state := range []string{"ready", "not_ready", "stale", "lost", "missing", "none"} {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "usher_extender_nodes",
			Help:        "Nodes by the state of their GPU report (ready, not_ready, stale, lost, missing: the node offers GPUs, and no agent has reported them, none: it offers none).",
			ConstLabels: prometheus.Labels{"state": state},
		}, count(state)))
	}
	return all
}

// reportState is what a node's report is worth now.
func (s *Store) reportState(n *snapshot, now time.Duration) string {
	switch {
	case n.board == nil && n.offersGPUs():
		return "missing"
	case n.board == nil:
		return "none"
	case n.age(now) >= s.fresh.lost:
		return "lost"
	case n.refused != nil:
		return "not_ready"
	case n.age(now) > s.fresh.stale:
		return "stale"
	}
	return "ready"
}

// offersGPUs says whether the Node itself has GPUs to hand out.
func (s *snapshot) offersGPUs() bool {
	for _, n := range s.allocatable {
		if n > 0 {
			return true
		}
	}
	return false
}
