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

func (s spread) format(one func(float64) string) string {
	return fmt.Sprintf("%s (%s–%s)", one(s.median), one(s.least), one(s.most))
}

func whole(v float64) string        { return fmt.Sprintf("%.0f", v) }
func hundredths(v float64) string   { return fmt.Sprintf("%.2f", v) }
func tenths(v float64) string       { return fmt.Sprintf("%.1f", v) }
func milliseconds(v float64) string { return fmt.Sprintf("%.0f ms", 1e3*v) }
func microseconds(v float64) string { return fmt.Sprintf("%.0f µs", 1e6*v) }
