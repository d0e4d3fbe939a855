//go:build linux

package node_test

import (
	"fmt"
	"math/big"
	"slices"

	"usher.dev/usher/topology"
)

// forecast is what usher expects of a container before its pod is made.
type forecast struct {
	pod, container string
	// tables are of the GPUs that were free.
	tables *topology.Tables
	size   int
}

// tally counts how forecasts came out.
type tally struct {
	forecasts int
	// exact got the very set that Predicted names, possible one of Picks.
	exact, possible int
	// chance sums up how likely a set drawn blindly would have been possible.
	chance float64
}

// add counts a forecast and the set that the container got.
func (y *tally) add(f forecast, got topology.Set) {
	y.forecasts++
	if predicted, ok := f.tables.Predicted(f.size); ok && predicted.GPUs == got {
		y.exact++
	}
	picks := f.tables.Picks(f.size)
	if slices.Contains(picks, got) {
		y.possible++
	}
	sets := new(big.Int).Binomial(int64(f.tables.Free().Len()), int64(f.size)).Int64()
	y.chance += float64(len(picks)) / float64(max(1, sets))
}

// share is the share of right predictions: those of one of the sets that the
// plugin picks in some order of the free GPUs. Which order it gets is chance.
func (y *tally) share() float64 { return float64(y.possible) / float64(max(1, y.forecasts)) }

func (y *tally) String() string {
	n := float64(max(1, y.forecasts))
	return fmt.Sprintf("%d of %d right (%.3f; %.3f by chance), %d of them the very GPUs (%.3f)",
		y.possible, y.forecasts, y.share(), y.chance/n, y.exact, float64(y.exact)/n)
}
