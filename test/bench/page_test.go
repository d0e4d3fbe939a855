package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTargetsAreComparedWithTheMedianOfPairedRounds(t *testing.T) {
	p := page{results: []result{{
		workload: workload{name: "clean", target: repeated},
		figures: []figures{
			{perSecond: []float64{1000, 4000, 2000}, median: []float64{100e-6, 300e-6, 200e-6}},
			{perSecond: []float64{600, 2000, 900}, median: []float64{160e-6, 360e-6, 320e-6}},
		},
	}, {
		workload: workload{name: "violating"},
	}}}
	var b strings.Builder
	p.targets(&b)
	rows := strings.Split(strings.TrimSpace(b.String()), "\n")[4:]
	want := []string{"| clean | 0.50 (0.45–0.60) | at least 0.50: reached | 1.60 (1.20–1.60) | at most 1.50: **missed** |"}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}
