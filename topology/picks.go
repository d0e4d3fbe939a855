package topology

import "math/bits"

// Predicted is Predict of the free GPUs, with the weight that usher gives the
// pick; false if fewer than k are free.
func (t *Tables) Predicted(k int) (Choice, bool) {
	if k < 1 || k > t.free.Len() {
		return Choice{}, false
	}
	p := &t.picks[k-1]
	p.predicted.Do(func() {
		set, _ := Predict(t.graph, t.free, k)
		p.choice = Choice{set, t.graph.SetWeight(set)}
	})
	return p.choice, true
}

// MayPick reports whether the device plugin may pick s of the free GPUs: whether
// there is an order of the free GPUs in which it does.
func (t *Tables) MayPick(s Set) bool {
	if s == 0 || s&^t.free != 0 {
		return false
	}
	d := t.graph.divide(t.free, s.Len())
	defer d.release()
	return d.mayPick(d.positions.compress(s))
}

// Assured reports whether k GPUs are free and whatever the device plugin may pick
// of them, whatever their order, meets a requirement.
func (t *Tables) Assured(k int, r Requirement) bool {
	if k < 1 || k > t.free.Len() || r >= requirements {
		return false
	}
	p := &t.picks[k-1]
	p.assured.Do(func() {
		d := t.graph.divide(t.free, k)
		defer d.release()
		for s := lowest(d.all, k); s != 0; s = next(s, d.all) {
			gpus := d.positions.expand(s)
			for r := range Requirement(requirements) {
				if !p.broken[r] && !t.graph.Meets(gpus, r) {
					p.broken[r] = d.mayPick(s)
				}
			}
		}
	})
	return !p.broken[r]
}

// mayPick reports whether s is the heaviest set of one of the heaviest divisions.
// Where that is so, the policy picks s if it gets the GPUs in the order of the
// sets of that division, s first and the smaller set last.
func (d *divisions) mayPick(s subset) bool {
	left := d.all ^ s
	return d.weights[s]+d.value(left) == d.value(d.all) && d.divides(left, d.weights[s], map[subset]bool{})
}

// divides reports whether one of the heaviest divisions of the GPUs that are left
// has no set of k above a weight. failed remembers those that have not.
func (d *divisions) divides(left subset, most int32, failed map[subset]bool) bool {
	if left == 0 {
		return true
	}
	if failed[left] {
		return false
	}
	found := false
	d.sets(left, func(set subset) bool {
		fits := bits.OnesCount32(set) < d.k || d.weights[set] <= most
		found = fits && d.weights[set]+d.value(left^set) == d.value(left) && d.divides(left^set, most, failed)
		return !found
	})
	failed[left] = !found
	return found
}
