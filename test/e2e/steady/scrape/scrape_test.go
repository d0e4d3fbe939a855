package scrape

import "testing"

func TestSumAddsUpAllSeriesOfOneMetric(t *testing.T) {
	const metrics = `# HELP asked_total How often.
# TYPE asked_total counter
asked_total{by="a} b",how="x"} 2
asked_total{by="c"} 1.5 1700000000000
asked_total_other 7
goroutines 12
broken nothing
`
	for name, want := range map[string]float64{"asked_total": 3.5, "goroutines": 12, "absent": 0} {
		if got, err := Sum(metrics, name); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
	if _, err := Sum(metrics, "broken"); err == nil {
		t.Error("no error of a value that is no number")
	}
}
