package agent

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestUtilisationIsToldInSteps(t *testing.T) {
	for _, tt := range []struct {
		name     string
		readings []int
		want     []int
	}{
		{"the first reading counts at once", []int{0}, []int{0}},
		{"the first reading is rounded down", []int{99}, []int{75}},
		{"a GPU that is fully busy", []int{100}, []int{100}},
		{"a single spike changes nothing", []int{0, 100, 0, 0}, []int{0, 0, 0, 0}},
		{"lasting load is followed", []int{0, 100, 100, 100, 100, 100, 100, 100, 100, 100}, []int{0, 0, 25, 50, 50, 50, 75, 75, 75, 75}},
		{"a value that wavers about a step", []int{52, 48, 52, 48, 52, 48, 52, 48}, []int{50, 50, 50, 50, 50, 50, 50, 50}},
		{"readings out of range", []int{-5, 300}, []int{0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var g gauge
			var got []int
			for _, reading := range tt.readings {
				g = g.next(reading)
				got = append(got, g.Step)
			}
			report(t, "steps", cmp.Diff(tt.want, got))
		})
	}
}

func TestLastingLoadIsToldInTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g gauge
		for _, reading := range rapid.SliceOf(rapid.IntRange(0, 100)).Draw(t, "before") {
			g = g.next(reading)
		}
		load := rapid.IntRange(0, 100).Draw(t, "load")
		for range 60 {
			g = g.next(load)
		}
		if g.Step%25 != 0 || g.Step < 0 || g.Step > 100 {
			t.Fatalf("step %d", g.Step)
		}
		if low, high := g.Step-utilizationSlack-1, g.Step+utilizationStep+utilizationSlack; load < low || load > high {
			t.Errorf("load %d is told as %d", load, g.Step)
		}
		if load == 100 && g.Step != 100 || load == 0 && g.Step != 0 {
			t.Errorf("load %d is told as %d", load, g.Step)
		}
	})
}

func TestUtilisationIsReported(t *testing.T) {
	device := gpu("a")
	device.load = Load{Percent: 80, MemoryUsedPercent: 30}
	var facts Facts
	must(t, gathered(t, &facts, &Machine{Driver: newFakeDriver(device)}, inventoryProbe, utilizationProbe))
	got := computed(&facts, inventoryProbe, utilizationProbe).GPUs[0]
	if text := fmt.Sprint(got.UtilizationPercent, got.MemoryUsedPercent); text != "75 25" {
		t.Error(text)
	}
}
