package quota

import (
	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/api/v1alpha1"
)

type settlerMetrics struct {
	units    *prometheus.GaugeVec
	expiries prometheus.Counter
	writes   *prometheus.CounterVec
}

func newSettlerMetrics() *settlerMetrics {
	return &settlerMetrics{
		units: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "usher_tenant_gpu_units",
			Help: "GPUs of a tenant, by state: used by pods and claims, reserved by what was admitted and is not there yet, limit (absent without one).",
		}, []string{"tenant", "state"}),
		expiries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "usher_ledger_expiries_total",
			Help: "Reservations that were dropped since no pod or claim came of them.",
		}),
		writes: newWrites(),
	}
}

func (m *settlerMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.units, m.expiries, m.writes}
}

func (m *settlerMetrics) wrote(err error) { m.writes.WithLabelValues(resultOf(err)).Inc() }

// show shows what a ledger says.
func (m *settlerMetrics) show(ledger *v1alpha1.QuotaLedger) {
	set := func(state string, units int64) {
		m.units.WithLabelValues(ledger.Name, state).Set(float64(units) / float64(One))
	}
	set("used", ledger.Status.Used)
	set("reserved", ledger.Status.Reserved)
	if limit := ledger.Spec.Hard.MicroUnits; limit != nil {
		set("limit", *limit)
	} else {
		m.units.DeleteLabelValues(ledger.Name, "limit")
	}
}

// forget shows nothing of a tenant any more.
func (m *settlerMetrics) forget(tenant string) {
	m.units.DeletePartialMatch(prometheus.Labels{"tenant": tenant})
}
