package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpreadOfRounds(t *testing.T) {
	for _, test := range []struct {
		name   string
		values []float64
		want   spread
	}{
		{"no round", nil, spread{}},
		{"one round", []float64{3}, spread{3, 3, 3}},
		{"an odd number of rounds", []float64{5, 1, 3}, spread{3, 1, 5}},
		{"an even number of rounds", []float64{4, 1, 2, 9}, spread{3, 1, 9}},
	} {
		if diff := cmp.Diff(test.want, spreadOf(test.values), cmp.AllowUnexported(spread{})); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestRatiosArePairedByRound(t *testing.T) {
	if diff := cmp.Diff([]float64{.5, 2}, ratios([]float64{1, 8}, []float64{2, 4})); diff != "" {
		t.Error(diff)
	}
}
