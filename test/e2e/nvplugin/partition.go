package nvplugin

import (
	"slices"

	"usher.dev/usher/api/v1alpha1"
)

// laneCap is the most NVLinks between two GPUs that go-gpuallocator counts.
const laneCap = 18

// pathScores are what go-gpuallocator gives for a PCIe path.
var pathScores = map[v1alpha1.PCIePath]int{"SYS": 10, "NODE": 20, "PHB": 30, "PXB": 40, "PIX": 50, "PSB": 60}

// partition applies the best-effort policy's rule as it is meant: of all ways
// to divide the available GPUs into sets of size and one set of what remains,
// take the way with the highest sum of scores that has a whole set with all
// required GPUs. It is such a set that is picked; of several, by one way or
// another, the one with the highest score, and of equal ones the first in the
// order given.
func partition(node *v1alpha1.GPUNode, available, required []string, size int) []string {
	if size <= 0 || size > len(available) {
		return nil
	}
	d := newDivider(node, available, size)
	all := gpuSet(1)<<len(available) - 1
	var best gpuSet
	bestTotal, bestScore := -1, -1
	for set := range subsets(all, size) {
		holds := func(id string) bool { return set.has(slices.Index(available, id)) }
		if slices.ContainsFunc(required, func(id string) bool { return !holds(id) }) {
			continue
		}
		score := d.score(set)
		total := score + d.best(all&^set)
		if total > bestTotal || total == bestTotal && score > bestScore {
			best, bestTotal, bestScore = set, total, score
		}
	}
	var picked []string
	for i, id := range available {
		if best.has(i) {
			picked = append(picked, id)
		}
	}
	return picked
}

// divider divides sets of GPUs into sets of one size.
type divider struct {
	size  int
	pairs [][]int
	known map[gpuSet]int
}

func newDivider(node *v1alpha1.GPUNode, available []string, size int) *divider {
	d := &divider{size: size, known: map[gpuSet]int{}}
	for _, id := range available {
		row := make([]int, len(available))
		for j, other := range available {
			row[j] = pairScore(link(node, position(node, id), position(node, other)))
		}
		d.pairs = append(d.pairs, row)
	}
	return d
}

// pairScore is go-gpuallocator's score of two GPUs, which knows no NVSwitch.
func pairScore(l v1alpha1.GPULink) int {
	if l.NVSwitch {
		return pathScores[l.Path]
	}
	return pathScores[l.Path] + 100*min(laneCap, int(l.NVLinkLanes))
}

// score is the sum of the scores of all pairs in a set.
func (d *divider) score(set gpuSet) int {
	sum := 0
	for i := range d.pairs {
		for j := range i {
			if set.has(i) && set.has(j) {
				sum += d.pairs[i][j]
			}
		}
	}
	return sum
}

// best is the highest sum of scores by which the GPUs can be divided into whole
// sets and, when their number is no multiple of size, one set of what remains.
func (d *divider) best(gpus gpuSet) int {
	if gpus == 0 {
		return 0
	}
	if known, ok := d.known[gpus]; ok {
		return known
	}
	first := gpus & -gpus
	best := 0
	for _, size := range []int{d.size, gpus.len() % d.size} {
		if size == 0 || size > gpus.len() {
			continue
		}
		for others := range subsets(gpus&^first, size-1) {
			best = max(best, d.score(first|others)+d.best(gpus&^(first|others)))
		}
	}
	d.known[gpus] = best
	return best
}
