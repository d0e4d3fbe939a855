package extender

import (
	"maps"
	"slices"

	"usher.dev/usher/topology"
)

// outstanding are the pods that are bound to a node and that its report does not
// name yet. They have got devices or will; which, is known only as far as the
// device plugin has no choice between equals.
type outstanding struct {
	// reported is what is held without them.
	reported occupancy
	pods     []outstandingPod
}

type outstandingPod struct {
	demand *demand
	// moot: what was free when it got its devices is not known.
	moot bool
}

// indifferent says whether every choice of GPUs meets a requirement, so that it
// does not matter which GPUs others hold.
func (b *board) indifferent(r topology.Requirement) bool {
	var all topology.Set
	for i := range b.gpus {
		all = all.With(i)
	}
	return r == topology.BestEffort || b.links.Meets(all, r)
}

// settlements lists the ways in which a node's devices may be held once the
// outstanding pods have theirs, in whatever order the kubelet admits them; false
// if there are too many.
func (b *board) settlements(out *outstanding) ([]hypothesis, bool) {
	const most = 6 // more have 720 orders
	if len(out.pods) > most {
		return nil, false
	}
	// The ways to hold devices once a set of the pods, by bit, has been admitted.
	after := make([]map[string]occupancy, 1<<len(out.pods))
	after[0] = map[string]occupancy{out.reported.key(): out.reported}
	for set := range after {
		for _, key := range slices.Sorted(maps.Keys(after[set])) {
			for i, pod := range out.pods {
				then := set | 1<<i
				if then == set {
					continue
				}
				possible, ok := b.outcomes(after[set][key], pod.demand, pod.moot)
				if !ok {
					return nil, false
				}
				if after[then] == nil {
					after[then] = map[string]occupancy{}
				}
				for _, o := range possible {
					after[then][o.key()] = o
				}
				if len(after[then]) > maxHypotheses {
					return nil, false
				}
			}
		}
	}
	var all []hypothesis
	last := after[len(after)-1]
	for _, key := range slices.Sorted(maps.Keys(last)) {
		all = append(all, hypothesis{occupied: last[key]})
	}
	return all, true
}

// predicted is the one way in which devices are held after a pod was admitted, if
// admit is right; none if they do not suffice.
func (b *board) predicted(o occupancy, d *demand) ([]occupancy, bool) {
	then := o.clone()
	if _, short := b.admit(then, d); short != nil {
		return nil, true
	}
	return []occupancy{then}, true
}

// outcomes lists the ways in which devices may be held after a pod was admitted:
// as admit predicts it, but with every choice of whole GPUs that the device plugin
// has, or any at all. What does not fit holds nothing. False if there are too many.
func (b *board) outcomes(o occupancy, d *demand, anyChoice bool) ([]occupancy, bool) {
	courses := []course{{occupied: o}}
	for _, c := range d.containers {
		for _, want := range c.devices {
			var next []course
			for _, at := range courses {
				next = append(next, b.courses(at, d, want, anyChoice)...)
			}
			if courses = next; len(courses) > maxHypotheses {
				return nil, false
			}
		}
		for i := range courses {
			courses[i].finish(c.role)
		}
	}
	if len(courses) == 0 {
		return []occupancy{o}, true
	}
	var all []occupancy
	known := map[string]bool{}
	for _, at := range courses {
		if key := at.occupied.key(); !known[key] {
			known[key] = true
			all = append(all, at.occupied)
		}
	}
	return all, true
}

// course is one course that the admission of a pod may take.
type course struct {
	occupied occupancy
	// reusable is what init containers leave to those after them, got what the
	// container at hand was given.
	reusable, got []int
}

// courses are those that giving a container devices of one resource may take;
// none if there are too few.
func (b *board) courses(at course, d *demand, want deviceCount, anyChoice bool) []course {
	r := b.resource(want.resource)
	if r < 0 {
		return nil
	}
	reused := 0
	for _, i := range at.reusable {
		if b.units[i].resource == r && reused < want.count {
			reused++
		}
	}
	if reused == want.count || !b.resources[r].whole {
		then := at.occupied.clone()
		units, _, short := b.allocate(then, d, want, at.reusable)
		if short != nil {
			return nil
		}
		return []course{{then, at.reusable, append(slices.Clip(at.got), units...)}}
	}
	free, missing := b.freeGPUs(at.occupied, r), want.count-reused
	var choices []topology.Set
	if anyChoice {
		choices = subsets(free, missing)
	} else {
		choices = b.links.of(free).Picks(missing)
	}
	var all []course
	for _, set := range choices {
		then := course{at.occupied.clone(), at.reusable, slices.Clone(at.got)}
		for _, i := range at.reusable {
			if b.units[i].resource == r {
				then.got = append(then.got, i)
			}
		}
		for _, i := range b.resources[r].units {
			if set.Has(b.units[i].gpu) {
				then.occupied[i]++
				then.got = append(then.got, i)
			}
		}
		all = append(all, then)
	}
	return all
}

// finish goes on to the next container.
func (c *course) finish(r role) {
	left := slices.Clone(c.reusable)
	for _, i := range c.got {
		if at := slices.Index(left, i); at >= 0 {
			left = slices.Delete(left, at, at+1)
		}
	}
	if r == roleInit {
		left = append(left, c.got...)
	}
	c.reusable, c.got = left, nil
}

// subsets lists the subsets of a set that have so many members.
func subsets(of topology.Set, size int) []topology.Set {
	smaller := []topology.Set{0}
	for i := range of.Members() {
		for _, s := range smaller {
			if s.Len() < size {
				smaller = append(smaller, s.With(i))
			}
		}
	}
	return slices.DeleteFunc(smaller, func(s topology.Set) bool { return s.Len() != size })
}
