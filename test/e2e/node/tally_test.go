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

// tally counts how forecasts came out. A container may get any of the sets that
// the plugin picks in some order of the free GPUs, Picks: the kubelet names the
// GPUs in no order.
type tally struct {
	// forecasts were made, right ones were of a set of Picks, exact ones of the
	// very set that Predicted names.
	forecasts, right, exact int
	// telling forecasts ruled some of the sets out.
	telling, rightTelling int
}

// add counts a forecast and the set that the container got, and reports whether
// it was right.
func (y *tally) add(f forecast, got topology.Set) bool {
	picks := f.tables.Picks(f.size)
	right := slices.Contains(picks, got)
	predicted, _ := f.tables.Predicted(f.size)
	sets := new(big.Int).Binomial(int64(f.tables.Free().Len()), int64(f.size))
	telling := int64(len(picks)) < sets.Int64()

	y.forecasts++
	y.right += count(right)
	y.exact += count(predicted.GPUs == got)
	y.telling += count(telling)
	y.rightTelling += count(telling && right)
	return right
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (y *tally) share() float64 { return share(y.right, y.forecasts) }

func share(part, of int) float64 { return float64(part) / float64(max(1, of)) }

func (y *tally) String() string {
	return fmt.Sprintf("%d of %d right (%.3f); %d of the %d that ruled something out (%.3f); %d named the very GPUs (%.3f)",
		y.right, y.forecasts, y.share(),
		y.rightTelling, y.telling, share(y.rightTelling, y.telling),
		y.exact, share(y.exact, y.forecasts))
}
