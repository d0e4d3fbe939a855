package extender

import (
	"testing"

	"usher.dev/usher/topology"
)

func TestLinksAreWorthWhatTheSlowestPairIs(t *testing.T) {
	b := boardOf(t, made("n", 4, pairs, nil)) // NODE, or 4 lanes in pairs
	pair, across := linkQuality(topology.Link{Lanes: 4}), linkQuality(topology.Link{Path: topology.NODE})
	if one := scoreLinks(at(b, b.empty(), 0)); one != notAsked {
		t.Errorf("one GPU alone: %g", one)
	}
	near(t, "a linked pair", scoreLinks(at(b, b.empty(), 0, 1)), pair)
	near(t, "a pair across", scoreLinks(at(b, b.empty(), 1, 2)), across)
	near(t, "two pairs", scoreLinks(at(b, b.empty(), 0, 1, 2, 3)), (2*across+(2*pair+4*across)/6)/3)
}

func TestEveryStepOfALinkIsWorthMore(t *testing.T) {
	last := -1.0
	for path := topology.Unknown; path <= topology.PSB; path++ {
		if q := linkQuality(topology.Link{Path: path}); q <= last {
			t.Errorf("%s is worth %g, the step before %g", path, q, last)
		} else {
			last = q
		}
	}
	for lanes := 1; lanes <= fullLanes; lanes++ {
		if q := linkQuality(topology.Link{Lanes: lanes}); q <= last {
			t.Errorf("%d lanes are worth %g, the step before %g", lanes, q, last)
		} else {
			last = q
		}
	}
	near(t, "all lanes", last, 1)
	near(t, "more lanes than there were in 2022", linkQuality(topology.Link{Lanes: 36}), 1)
}
