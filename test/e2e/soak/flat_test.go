package soak

import (
	"math"
	"testing"
	"time"
)

// series are samples of ten minutes, every five seconds, as a function of the share
// of time that has passed.
func series(f func(passed float64, i int) float64) (at []time.Duration, samples []float64) {
	for i := range 120 {
		at = append(at, time.Duration(i)*5*time.Second)
		samples = append(samples, f(float64(i)/120, i))
	}
	return at, samples
}

func TestGrowthIsToldFromNoiseAndFromABeginning(t *testing.T) {
	saw := func(i int) float64 { return float64(i % 7 * 9) }
	for name, test := range map[string]struct {
		kind *kind
		f    func(passed float64, i int) float64
		flat bool
	}{
		"the same all the time":                  {&kinds[0], func(float64, int) float64 { return 80 }, true},
		"filled caches":                          {&kinds[0], func(p float64, _ int) float64 { return 120 - 60*math.Exp(-20*p) }, true},
		"a leak of 20 MiB in ten minutes":        {&kinds[0], func(p float64, _ int) float64 { return 80 + 20*p }, false},
		"a heap that is collected":               {&kinds[1], func(_ float64, i int) float64 { return 30 + saw(i) }, true},
		"a heap that is collected, and a leak":   {&kinds[1], func(p float64, i int) float64 { return 30 + saw(i) + 15*p }, false},
		"goroutines of requests":                 {&kinds[2], func(_ float64, i int) float64 { return 90 + float64(i%5) }, true},
		"a goroutine that stays every 5 seconds": {&kinds[2], func(_ float64, i int) float64 { return 90 + float64(i) }, false},
		"what is not a number":                   {&kinds[2], func(float64, int) float64 { return math.NaN() }, false},
	} {
		at, samples := series(test.f)
		trend := trendOf("a process", test.kind, at, samples)
		if err := trend.flat(1); (err == nil) != test.flat {
			t.Errorf("%s: %v, %+v", name, err, trend)
		}
	}
}

func TestTheSlopeIsThatOfTheLastTwoThirds(t *testing.T) {
	at, samples := series(func(p float64, i int) float64 {
		if p < 1.0/3 {
			return 5
		}
		return 50 + 2*float64(i)*5/3600
	})
	if got := trendOf("a process", &kinds[0], at, samples).slope; math.Abs(got-2) > 1e-9 {
		t.Errorf("%v a hour, want 2", got)
	}
}
