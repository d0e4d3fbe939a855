package topology

import "math/bits"

// maxPluginLanes is the most lanes of one link that go-gpuallocator counts.
const maxPluginLanes = 18

// pluginWeight is what NVIDIA's device plugin thinks of a link: it knows
// neither NVSwitches, so that on HGX boards the PCIe path alone counts, nor
// more than 18 lanes.
func (g *Graph) pluginWeight(a, b int) int {
	l := g.Link(a, b)
	if l.Switch {
		l.Lanes = 0
	}
	l.Lanes = min(l.Lanes, maxPluginLanes)
	return l.Weight()
}

// Predict is the set of k of the available GPUs that NVIDIA's device plugin
// will pick, by the best-effort policy of go-gpuallocator 0.5.0: it divides all
// available GPUs into sets of k, and a smaller one if they do not divide, in the
// way that the sets weigh the most together, and takes the heaviest set of k.
// False if fewer than k are available.
//
// The first of several such divisions is the one that is taken, and that depends
// on the order in which the plugin gets the GPUs. The kubelet sends them in no
// order, so that ties are decided by chance; Predict takes them by index, and
// Tables.Picks tells all that may be picked.
//
// The policy is wrong in two cases, and Predict does what it should have done.
// Where the smaller set weighs as much as the sets of k or more, it returns that
// one, filled up with nil, on which the plugin panics. And at k = 2 with 13 and
// more available it overwrites the division that it remembers.
//
// The plugin decides so about whole GPUs. Shares and MIG devices it spreads
// instead, and a kubelet with a topology manager may offer it the GPUs of one
// NUMA node only.
func Predict(g *Graph, available Set, k int) (Set, bool) {
	available &= g.All()
	switch {
	case k < 1 || k > available.Len():
		return 0, false
	case k == 1:
		return available & -available, true
	}
	d := g.divide(available, k)
	defer d.release()
	return d.positions.expand(d.pick()), true
}

// divisions finds the divisions of the available GPUs into sets of k that weigh
// the most. Whether the smaller set is among those that are still to be taken
// shows in the number of GPUs that are left.
type divisions struct {
	positions positions
	k         int
	all       subset
	// weights of the subsets, as the plugin sees them.
	weights, best         []int32
	weightList, bestLists *[]int32
}

func (g *Graph) divide(available Set, k int) *divisions {
	d := &divisions{positions: positionsOf(available), k: k}
	n := d.positions.n
	d.all = 1<<n - 1
	d.weightList, d.bestLists = int32s.get(1<<n), int32s.get(1<<n)
	d.weights, d.best = *d.weightList, *d.bestLists
	d.positions.weigh(d.weights, g.pluginWeight)
	for s := range d.best {
		d.best[s] = impossible
	}
	d.best[0] = 0
	return d
}

func (d *divisions) release() {
	int32s.put(d.weightList)
	int32s.put(d.bestLists)
}

// sets visits every set that can hold the lowest of the GPUs that are left, until
// yield returns false.
func (d *divisions) sets(left subset, yield func(set subset) bool) {
	low := left & -left
	rest := left ^ low
	count := bits.OnesCount32(left)
	sizes := [2]int{d.k, count % d.k}
	for _, size := range sizes {
		if size == 0 || size > count {
			continue
		}
		for t := lowest(rest, size-1); ; {
			if !yield(low | t) {
				return
			}
			if t = next(t, rest); t == 0 {
				break
			}
		}
	}
}

// value is the most that a division of the GPUs that are left weighs.
func (d *divisions) value(left subset) int32 {
	if d.best[left] != impossible {
		return d.best[left]
	}
	if bits.OnesCount32(left) <= d.k {
		d.best[left] = d.weights[left]
		return d.best[left]
	}
	most := int32(impossible)
	d.sets(left, func(set subset) bool {
		most = max(most, d.weights[set]+d.value(left^set))
		return true
	})
	d.best[left] = most
	return most
}

// pick is the heaviest set of k, the first of several, of the first of the
// heaviest divisions.
func (d *divisions) pick() subset {
	pick, weight := subset(0), int32(impossible)
	for left := d.all; left != 0; {
		set := d.first(left)
		if bits.OnesCount32(set) == d.k && d.weights[set] > weight {
			pick, weight = set, d.weights[set]
		}
		left ^= set
	}
	return pick
}

// first is the first set of the first of the heaviest divisions of the GPUs that
// are left. The policy goes through sets in the order of their lists of members,
// the smaller set as if filled up with members after all others.
func (d *divisions) first(left subset) subset {
	first, value := subset(0), d.value(left)
	d.sets(left, func(set subset) bool {
		if differ := set ^ first; (first == 0 || set&differ&-differ != 0) && d.weights[set]+d.value(left^set) == value {
			first = set
		}
		return true
	})
	return first
}
