package extender

import "testing"

func TestRegretPrefersWhatFitsOverWhatBreaks(t *testing.T) {
	full := func(int, int) int32 { return 4 }
	score := func(held []int, units ...int) float64 {
		b := boardOf(t, made("n", 8, full, nil))
		o := b.empty()
		o.take(held)
		return scoreRegret(at(b, o, units...))
	}
	near(t, "the last one", score([]int{0, 1, 2, 3, 4, 5, 6}, 7), 1-1.0/15)
	near(t, "one of three", score([]int{0, 1, 2, 3, 4}, 7), 1)
	near(t, "one of eight", score(nil, 7), 1-8.0/15)
	near(t, "four of four", score([]int{0, 1, 2, 3}, 4, 5, 6, 7), 1-7.0/15)
	near(t, "four of eight", score(nil, 4, 5, 6, 7), 1-8.0/15)

	b := boardOf(t, made("n", 4, pairs, nil))
	near(t, "a pair broken for one GPU", scoreRegret(at(b, occupancy{0, 0, 1, 1}, 0)), 1-2.0/15)
	near(t, "a lone GPU taken", scoreRegret(at(b, occupancy{1, 0, 0, 0}, 1)), 1)
	near(t, "a pair of two others broken", scoreRegret(at(b, occupancy{1, 0, 0, 0}, 2)), 1-2*(420.0-20)/420/15)

	mig := boardOf(t, sample(t, "a100-mixed-mig", "m"))
	if part := scoreRegret(at(mig, mig.empty(), mig.resources[mig.resource(prefixMIG+"1g.5gb")].units[0])); part != notAsked {
		t.Errorf("a part of a GPU: %g", part)
	}
}
