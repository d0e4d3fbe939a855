package main

import (
	"fmt"
	"slices"
)

// spread is the median of some rounds between the least and the most.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return spread{}
	}
	return spread{median: (sorted[(n-1)/2] + sorted[n/2]) / 2, least: sorted[0], most: sorted[n-1]}
}

// ratios divides round by round: what disturbed a whole round cancels out.
func ratios(values, to []float64) []float64 {
	out := make([]float64, len(values))
	for i := range values {
		out[i] = values[i] / to[i]
	}
	return out
}

func (s spread) format(one func(float64) string) string {
	return fmt.Sprintf("%s (%s–%s)", one(s.median), one(s.least), one(s.most))
}

func count(v float64) string        { return fmt.Sprintf("%.0f", v) }
func ratio(v float64) string        { return fmt.Sprintf("%.2f", v) }
func percent(v float64) string      { return fmt.Sprintf("%.1f %%", 100*v) }
func microseconds(v float64) string { return fmt.Sprintf("%.0f µs", 1e6*v) }
func mebibytes(bytes int64) string  { return fmt.Sprintf("%d MiB", (bytes+1<<19)>>20) }
