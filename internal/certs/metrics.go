package certs

import (
	"crypto/x509"

	"github.com/prometheus/client_golang/prometheus"
)

// KeeperMetrics are the metrics of a keeper.
type KeeperMetrics struct {
	expiry   *prometheus.GaugeVec
	renewals *prometheus.CounterVec
	phase    *prometheus.GaugeVec
	errors   prometheus.Counter
	ok       prometheus.Gauge
	losses   prometheus.Counter
}

// expiryHelp is said by servers and by usher-controller.
const expiryHelp = "When a certificate expires. usher-controller has those that it keeps by their Secrets, and its own as authority; a server has serving, which it shows, and client-ca, the last to expire of the authorities of its clients."

// phases of a rotation.
var phases = []string{"steady", "preparing", "retiring"}

// NewKeeperMetrics registers the metrics.
func NewKeeperMetrics(registry prometheus.Registerer) *KeeperMetrics {
	m := &KeeperMetrics{
		expiry: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "usher_certificate_expiry_timestamp_seconds",
			Help: expiryHelp,
		}, []string{"certificate"}),
		renewals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_certificate_renewals_total",
			Help: "Certificates made, by Secret.",
		}, []string{"certificate"}),
		phase: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "usher_authority_phase",
			Help: "1 for the phase in which the rotation of usher's authority is.",
		}, []string{"phase"}),
		errors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "usher_certificate_errors_total",
			Help: "Looks at certificates and CA bundles that ended with an error.",
		}),
		ok: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "usher_certificates_kept",
			Help: "Whether the last look at certificates and CA bundles ended without an error.",
		}),
		losses: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "usher_authority_losses_total",
			Help: "Times that the Secret of usher's authority could not be read and a new one was made.",
		}),
	}
	registry.MustRegister(m.expiry, m.renewals, m.phase, m.errors, m.ok, m.losses)
	return m
}

func (m *KeeperMetrics) kept(err error) {
	if err != nil {
		m.errors.Inc()
		m.ok.Set(0)
		return
	}
	m.ok.Set(1)
}

func (m *KeeperMetrics) lost() { m.losses.Inc() }

func (m *KeeperMetrics) renewed(name string) { m.renewals.WithLabelValues(name).Inc() }

func (m *KeeperMetrics) leaf(name string, cert *x509.Certificate) {
	m.expiry.WithLabelValues(name).Set(float64(cert.NotAfter.Unix()))
}

func (m *KeeperMetrics) authority(r *Rotation) {
	m.expiry.WithLabelValues("authority").Set(float64(r.Current.cert.NotAfter.Unix()))
	for _, phase := range phases {
		value := 0.0
		if phase == r.Phase() {
			value = 1
		}
		m.phase.WithLabelValues(phase).Set(value)
	}
}
