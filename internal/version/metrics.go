package version

import "github.com/prometheus/client_golang/prometheus"

// Collector is the metric that says which usher a process is.
func Collector() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "usher_build_info",
		Help:        "1, with the version that the process was built as.",
		ConstLabels: prometheus.Labels{"version": String()},
	}, func() float64 { return 1 })
}
