package certs

import "github.com/prometheus/client_golang/prometheus"

// Descriptions of the metrics of a server.
var (
	servedExpiry = prometheus.NewDesc("usher_certificate_expiry_timestamp_seconds", expiryHelp, []string{"certificate"}, nil)
	servedWrong  = prometheus.NewDesc("usher_certificate_problem",
		"1 where what is in the files of a server cannot be used, or what it uses cannot any more, by reason; serving is its certificate, client-ca the authorities of its clients.",
		[]string{"certificate", "reason"}, nil)
	servedLoads = prometheus.NewDesc("usher_certificate_loads_total",
		"How often a server has put new content of its certificate files to use.", []string{"certificate"}, nil)
)

// Collectors returns the metrics.
func (s *Served) Collectors() []prometheus.Collector {
	return []prometheus.Collector{servedCollector{s}}
}

// servedCollector looks when it is asked, so that what expires between two
// readings of the files shows at once.
type servedCollector struct{ *Served }

// Describe sends the descriptions.
func (servedCollector) Describe(out chan<- *prometheus.Desc) {
	out <- servedExpiry
	out <- servedWrong
	out <- servedLoads
}

// Collect sends the metrics.
func (c servedCollector) Collect(out chan<- prometheus.Metric) {
	now := c.options.Now()
	samples := []sample{c.cert.sample(now)}
	if c.clients != nil {
		samples = append(samples, c.clients.sample(now))
	}
	for _, s := range samples {
		if !s.until.IsZero() {
			out <- prometheus.MustNewConstMetric(servedExpiry, prometheus.GaugeValue, float64(s.until.Unix()), s.label)
		}
		out <- prometheus.MustNewConstMetric(servedLoads, prometheus.CounterValue, float64(s.loads), s.label)
		for _, why := range reasons {
			value := 0.0
			if s.problems[why] {
				value = 1
			}
			out <- prometheus.MustNewConstMetric(servedWrong, prometheus.GaugeValue, value, s.label, string(why))
		}
	}
}
