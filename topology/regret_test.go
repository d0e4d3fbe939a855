package topology

import (
	"math/rand/v2"
	"testing"
)

func TestRegret(t *testing.T) {
	for _, tt := range []struct {
		name       string
		shape      shape
		free, take Set
		want       string
		millionths int
	}{
		{"nothing is lost by taking nothing", dgx1, 0xff, 0, "nothing lost", 0},
		{"what is whole is broken", dgxH100, 0xff, Of(0), "no 8 left", 250_000},
		{"the last are gone", dgxH100, Of(2, 3), Of(2, 3), "no 1 left, no 2 left", 1_000_000},
		{"a pair beside another like it is free to take", halfLinked, Of(0, 1, 4, 5, 6, 7), Of(4, 5), "nothing lost", 0},
		{"half a pair is not", halfLinked, Of(0, 1, 4, 5, 6, 7), Of(0), "best 2 falls from 440 to 40, best 4 falls from 520 to 160", 533_799},
		{"the only pair goes", halfLinked, Of(0, 1, 4), Of(0, 1), "no 2 left", 500_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.shape.graph(t).Tables(tt.free).Regret(tt.take)
			if r.String() != tt.want || r.Millionths() != tt.millionths {
				t.Errorf("got %q, %d; want %q, %d", r, r.Millionths(), tt.want, tt.millionths)
			}
		})
	}
}

func TestRegretEqualsBruteForce(t *testing.T) {
	for seed := range uint64(rounds(1000)) {
		r := rand.New(rand.NewPCG(7, seed))
		g := randomGraph(t, r, 10)
		free := randomSet(r, g)
		s := randomSet(r, g) & free
		if free == 0 {
			continue
		}
		got := g.Tables(free).Regret(s).Millionths()
		if want := slowRegret(g, free, s); got != want || got > Whole {
			t.Fatalf("seed %d: taking %v of %v: got %d, want %d", seed, s, free, got, want)
		}
	}
}
