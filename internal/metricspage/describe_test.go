package metricspage

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

func TestWhatIsRegisteredIsDescribedBeforeItIsCounted(t *testing.T) {
	first, second := prometheus.NewRegistry(), prometheus.NewRegistry()
	first.MustRegister(
		prometheus.NewCounterVec(prometheus.CounterOpts{Name: "a_total", Help: `Says "a", by x.`}, []string{"y", "x"}),
		prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "b_seconds", Help: "Says b."}, []string{"z"}),
		prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "c", Help: "Says c."}, nil),
		prometheus.NewSummaryVec(prometheus.SummaryOpts{Name: "d", Help: "Says d."}, []string{"z"}),
	)
	for _, state := range []string{"on", "off"} {
		second.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "e", Help: "Says e.", ConstLabels: prometheus.Labels{"state": state}}, func() float64 { return 1 }))
	}
	got, err := describe(first, second)
	if err != nil {
		t.Fatal(err)
	}
	want := []Metric{
		{"a_total", "counter", `Says "a", by x.`, []string{"x", "y"}},
		{"b_seconds", "histogram", "Says b.", []string{"z"}},
		{"c", "gauge", "Says c.", nil},
		{"d", "summary", "Says d.", []string{"z"}},
		{"e", "gauge", "Says e.", []string{"state"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestACollectorOfManyMetricsIsDescribedByWhatItCollects(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector())
	got, err := describe(registry)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for _, m := range got {
		types[m.Name] = m.Type
	}
	if types["go_goroutines"] != "gauge" || types["go_memstats_mallocs_total"] != "counter" {
		t.Errorf("go_goroutines is a %q, go_memstats_mallocs_total a %q", types["go_goroutines"], types["go_memstats_mallocs_total"])
	}
}

// A metric that no page can describe is a mistake of whoever exports it.
func TestAnUndescribedMetricIsAnError(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(unchecked{})
	if got, err := describe(registry); err == nil {
		t.Errorf("described as %v, want an error", got)
	}
}

type unchecked struct{}

func (unchecked) Describe(chan<- *prometheus.Desc) {}

func (unchecked) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(prometheus.NewDesc("hidden", "Says nothing.", nil, nil), prometheus.GaugeValue, 1)
}

func TestTheTableStandsBetweenItsMarks(t *testing.T) {
	before, after, err := around("intro\n<!-- b -->\nold\n<!-- end of b -->\nrest\n", "b")
	if err != nil || before != "intro\n<!-- b -->\n" || after != "<!-- end of b -->\nrest\n" {
		t.Errorf("%q, %q, %v", before, after, err)
	}
	if _, _, err := around("intro\n", "b"); err == nil {
		t.Error("a page without marks is no error")
	}
}
