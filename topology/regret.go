package topology

import (
	"fmt"
	"strings"
)

// regretSizes are the sizes of pods whose chances a regret counts.
var regretSizes = [...]int{1, 2, 4, 8}

// Whole is the most that can be regretted, in millionths.
const Whole = 1_000_000

// Regret is what taking some GPUs does to the best sets of 1, 2, 4 and 8 that
// are free.
type Regret [len(regretSizes)]Loss

// Loss is what becomes of the best free set of one size.
type Loss struct {
	Size int
	// Before and After are the best sets, without a requirement; none where
	// too few GPUs are free.
	Before, After Choice
}

// Regret is what taking the GPUs of s does to the best sets that are free.
func (t *Tables) Regret(s Set) Regret {
	after := t.graph.Tables(t.free &^ s)
	var r Regret
	for i, k := range regretSizes {
		r[i].Size = k
		r[i].Before, _ = t.Ideal(k, BestEffort)
		r[i].After, _ = after.Ideal(k, BestEffort)
	}
	return r
}

// Millionths is the mean of the losses of those sizes that were possible: 0 if
// as good sets of each remain, Whole if none of any does.
func (r Regret) Millionths() int {
	var sum lossSum
	for _, l := range r {
		sum.add(l.Before.Weight, l.Before.GPUs != 0, l.After.Weight, l.After.GPUs != 0)
	}
	return sum.mean()
}

// String says what is lost, such as "best 4 falls from 7440 to 2680, no 8 left",
// or "nothing lost".
func (r Regret) String() string {
	var lost []string
	for _, l := range r {
		switch {
		case l.Before.GPUs == 0:
		case l.After.GPUs == 0:
			lost = append(lost, fmt.Sprintf("no %d left", l.Size))
		case l.After.Weight < l.Before.Weight:
			lost = append(lost, fmt.Sprintf("best %d falls from %d to %d", l.Size, l.Before.Weight, l.After.Weight))
		}
	}
	if lost == nil {
		return "nothing lost"
	}
	return strings.Join(lost, ", ")
}

// lossSum adds up losses in millionths.
type lossSum struct{ sum, count int }

func (l *lossSum) add(before int, possible bool, after int, still bool) {
	switch {
	case !possible:
		return
	case !still:
		l.sum += Whole
	case before > after:
		l.sum += (before - after) * Whole / before
	}
	l.count++
}

func (l *lossSum) mean() int {
	if l.count == 0 {
		return 0
	}
	return l.sum / l.count
}
