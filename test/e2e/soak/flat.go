package soak

import (
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"
)

// trend says how what is measured of a process went on after the first third of a
// run, in which caches fill.
type trend struct {
	process string
	kind    *kind
	// first is the first value, second and last the medians of the second and of the
	// last third, most the largest value of all.
	first, second, last, most float64
	// slope is that of the straight line through the last two thirds (least squares),
	// in units an hour.
	slope float64
}

// trends are those of all processes.
func (s *sampler) trends() []trend {
	var trends []trend
	for k := range kinds {
		for _, p := range s.processes {
			trends = append(trends, trendOf(p.name, &kinds[k], s.at, p.samples[k]))
		}
	}
	return trends
}

func trendOf(process string, k *kind, at []time.Duration, samples []float64) trend {
	at, samples = least(k.per, at, samples)
	n := len(samples)
	hours := make([]float64, n)
	for i := range at {
		hours[i] = at[i].Hours()
	}
	t := trend{process: process, kind: k, first: samples[0], most: slices.Max(samples)}
	t.second, t.last = median(samples[n/3:2*n/3]), median(samples[2*n/3:])
	_, t.slope = stat.LinearRegression(hours[n/3:], samples[n/3:], nil, false)
	return t
}

// least takes the least of every so many samples that follow each other, as far as
// three are left.
func least(per int, at []time.Duration, samples []float64) ([]time.Duration, []float64) {
	per = max(1, min(per, len(samples)/6))
	var times []time.Duration
	var values []float64
	for i := 0; i+per <= len(samples); i += per {
		times = append(times, at[i+per/2])
		values = append(values, slices.Min(samples[i:i+per]))
	}
	return times, values
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// bound is how much above the second third the last one may be.
func (t *trend) bound(slack float64) float64 {
	return slack * max(t.kind.share*t.second, t.kind.units)
}

// flat is an error if the last third is above the second by more than the bound; of a
// short run a multiple of it, since it is all beginning.
func (t *trend) flat(slack float64) error {
	if grown := t.last - t.second; !(grown <= t.bound(slack)) {
		return fmt.Errorf("%s of %s grew from %.1f to %.1f %s between the second and the last third of the run, more than %.1f",
			t.kind.name, t.process, t.second, t.last, t.kind.unit, t.bound(slack))
	}
	return nil
}
