package topology

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mixed is a GPU in 3g, 2g and 1g, of which none is held.
var mixed = []MIGInstance{{Start: 0, Size: 4}, {Start: 4, Size: 2}, {Start: 6, Size: 1}}

// ones is a GPU in seven 1g, of which the first and the fifth are held.
var ones = []MIGInstance{
	{Start: 0, Size: 1, Held: true},
	{Start: 1, Size: 1},
	{Start: 2, Size: 1},
	{Start: 3, Size: 1},
	{Start: 4, Size: 1, Held: true},
	{Start: 5, Size: 1},
	{Start: 6, Size: 1},
}

func TestMIGPlacements(t *testing.T) {
	for _, tt := range []struct {
		name      string
		slices    int
		instances []MIGInstance
		want      Placements
		largest   int
	}{
		{"a GPU without instances", 8, nil, Placements{8, 4, 2, 1}, 8},
		{"instances that nobody holds are in no way", 8, mixed, Placements{8, 4, 2, 1}, 8},
		{"both halves are broken", 8, ones, Placements{6, 2, 0, 0}, 2},
		{"an A30", 4, []MIGInstance{{Start: 2, Size: 2, Held: true}}, Placements{2, 1, 0, 0}, 2},
		{"a GPU that is held whole", 8, []MIGInstance{{Start: 0, Size: 8, Held: true}}, Placements{}, 0},
		{"an instance beyond the GPU's end", 4, []MIGInstance{{Start: 3, Size: 4, Held: true}}, Placements{3, 1, 0, 0}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := MIGPlacements(tt.slices, tt.instances)
			if diff := cmp.Diff(tt.want, got); diff != "" || got.Largest() != tt.largest {
				t.Errorf("largest %d, want %d (-want +got)\n%s", got.Largest(), tt.largest, diff)
			}
		})
	}
}

func TestRegretMIG(t *testing.T) {
	for _, tt := range []struct {
		name      string
		instances []MIGInstance
		take      int
		want      int
	}{
		{"a whole half", mixed, 0, (500_000*3 + 1_000_000) / 4},
		{"the smallest breaks a half and the whole too", mixed, 2, (125_000 + 250_000 + 500_000 + 1_000_000) / 4},
		{"beside one that is held", ones, 1, (1_000_000/6 + 0) / 2},
		{"in a pair that is free", ones, 2, (1_000_000/6 + 500_000) / 2},
		{"one that is held", ones, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := append([]MIGInstance(nil), tt.instances...)
			if got := RegretMIG(8, tt.instances, tt.take).Millionths(); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
			if diff := cmp.Diff(before, tt.instances); diff != "" {
				t.Errorf("the instances were changed\n%s", diff)
			}
		})
	}
}
