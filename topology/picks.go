package topology

import (
	"math/bits"
	"slices"
	"sync"
)

// picks are what the device plugin may pick of one number of GPUs, worked out
// when first asked for.
type picks struct {
	predict, list sync.Once
	predicted     Choice
	possible      []Set
}

// Predicted is Predict of the free GPUs, with the weight that usher gives the
// pick; false if fewer than k are free.
func (t *Tables) Predicted(k int) (Choice, bool) {
	if k < 1 || k > t.free.Len() {
		return Choice{}, false
	}
	p := &t.picks[k-1]
	p.predict.Do(func() {
		set, _ := Predict(t.graph, t.free, k)
		p.predicted = Choice{set, t.graph.SetWeight(set)}
	})
	return p.predicted, true
}

// Picks are the sets of k free GPUs that the device plugin may pick, each in some
// order of the free GPUs; none if fewer than k are free. Predicted is among them.
// The caller does not change the list.
func (t *Tables) Picks(k int) []Set {
	if k < 1 || k > t.free.Len() {
		return nil
	}
	p := &t.picks[k-1]
	p.list.Do(func() {
		d := t.graph.divide(t.free, k)
		defer d.release()
		failed := map[bounded]bool{}
		for s := lowest(d.all, k); s != 0; s = next(s, d.all) {
			if d.mayPick(s, failed) {
				p.possible = append(p.possible, d.positions.expand(s))
			}
		}
	})
	return p.possible
}

// Assured reports whether k GPUs are free and each set of Picks meets a
// requirement.
func (t *Tables) Assured(k int, r Requirement) bool {
	picks := t.Picks(k)
	return len(picks) > 0 && !slices.ContainsFunc(picks, func(s Set) bool { return !t.graph.Meets(s, r) })
}

// mayPick reports whether s is the heaviest set of one of the heaviest divisions.
// Where that is so, the policy picks s if it gets the GPUs in the order of the
// sets of that division, s first and the smaller set last.
func (d *divisions) mayPick(s subset, failed map[bounded]bool) bool {
	left := d.all ^ s
	return d.weights[s]+d.value(left) == d.value(d.all) && d.divides(bounded{left, d.weights[s]}, failed)
}

// bounded are the GPUs that are left to divide into sets of k no heavier than
// most.
type bounded struct {
	left subset
	most int32
}

// divides reports whether one of the heaviest divisions of what is left keeps to
// the bound. failed remembers those of which none does.
func (d *divisions) divides(b bounded, failed map[bounded]bool) bool {
	if b.left == 0 {
		return true
	}
	if failed[b] {
		return false
	}
	found := false
	d.sets(b.left, func(set subset) bool {
		rest := b.left ^ set
		fits := bits.OnesCount32(set) < d.k || d.weights[set] <= b.most
		found = fits && d.weights[set]+d.value(rest) == d.value(b.left) && d.divides(bounded{rest, b.most}, failed)
		return !found
	})
	if !found {
		failed[b] = true
	}
	return found
}
