package quota

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Results of writes, as usher_ledger_writes_total names them.
const (
	wasWritten = "written"
	inConflict = "conflict"
	unknown    = "unknown"
	notWritten = "failed"
)

// resultOf is the result of a write that ended so.
func resultOf(err error) string {
	switch {
	case err == nil:
		return wasWritten
	case errors.Is(err, errConflict):
		return inConflict
	case errors.Is(err, errUnknown):
		return unknown
	}
	return notWritten
}

type reserverMetrics struct {
	reservations *prometheus.CounterVec
	writes       *prometheus.CounterVec
	batch        prometheus.Histogram
	seconds      prometheus.Histogram
	tenants      *prometheus.CounterVec
}

func newReserverMetrics() *reserverMetrics {
	m := &reserverMetrics{
		reservations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_ledger_reservations_total",
			Help: "Requests to reserve GPUs, by what became of them: reserved, denied, late (the request's time was up) or failed.",
		}, []string{"outcome"}),
		writes: newWrites(),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "usher_ledger_batch_size",
			Help:    "Reservations that one write of a ledger added.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 7),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "usher_ledger_reserve_seconds",
			Help:    "How long requests to reserve GPUs took.",
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
		}),
		// Bounded: only tenants that exist and may hold GPUs are asked for.
		tenants: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_tenant_gpu_requests_total",
			Help: "Requests to reserve GPUs, by tenant and by what became of them, as usher_ledger_reservations_total counts them of all.",
		}, []string{"tenant", "outcome"}),
	}
	for _, outcome := range []string{reserved, denied, late, failed} {
		m.reservations.WithLabelValues(outcome)
	}
	return m
}

// newWrites counts writes of ledgers; webhook and controller have one each.
func newWrites() *prometheus.CounterVec {
	writes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "usher_ledger_writes_total",
		Help: "Attempts to write a ledger, by result: written, conflict (another had written), unknown (no answer) or failed.",
	}, []string{"result"})
	for _, result := range []string{wasWritten, inConflict, unknown, notWritten} {
		writes.WithLabelValues(result)
	}
	return writes
}

func (m *reserverMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.reservations, m.writes, m.batch, m.seconds, m.tenants}
}

func (m *reserverMetrics) count(tenant string, a answer, since time.Time) {
	m.tenants.WithLabelValues(tenant, a.outcome).Inc()
	m.reservations.WithLabelValues(a.outcome).Inc()
	m.seconds.Observe(time.Since(since).Seconds())
}
