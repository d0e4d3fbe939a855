package tenancy

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// shareState is one namespace's share of the tenant-wide quota, as it was read.
type shareState struct {
	namespace string
	// hard is spec.hard, enforced status.hard, used status.used.
	hard, enforced, used corev1.ResourceList
	// epoch says who wrote it last: see planShares.
	epoch string
	// frozen says that its namespace is being deleted.
	frozen bool
}

// shareWrite is a share's next spec.hard. It may only be written over the hard and
// the epoch that were read: the API server's own bookkeeping in the status is of
// no matter, and must not be in the way while pods come and go.
type shareWrite struct {
	over shareState
	hard corev1.ResourceList
}

// planShares divides total among shares, all of them as they were at one moment.
//
// Whatever happens to the writes, the claims never sum up to more than total. That
// takes that no write which was planned on an older view arrives between the view
// and the writes: one of a former leader, or one whose answer was lost. So who
// writes has an epoch that nobody had before, and a new one whenever it does not
// know what became of a write. It puts the epoch on every share, whereupon no older
// write fits any more, and lets shares grow only once it has seen it on all.
func planShares(total corev1.ResourceList, shares []shareState, epoch string) []shareWrite {
	next := make([]corev1.ResourceList, len(shares))
	for i := range shares {
		next[i] = corev1.ResourceList{}
	}
	for _, name := range slices.Sorted(maps.Keys(total)) {
		amounts := make([]share, len(shares))
		for i, s := range shares {
			amounts[i] = s.of(name)
		}
		whole := total[name]
		for i, hard := range divide(floor(name, whole), amounts) {
			next[i][name] = quantity(name, hard, whole.Format)
		}
	}

	changes, fenced := false, true
	for i, s := range shares {
		changes = changes || !equal(s.hard, next[i])
		fenced = fenced && s.epoch == epoch
	}
	if !changes {
		return nil
	}
	var writes []shareWrite
	for i, s := range shares {
		hard := next[i]
		if !fenced {
			hard = s.shrunk(hard)
		}
		if s.epoch != epoch || !equal(s.hard, hard) {
			writes = append(writes, shareWrite{over: s, hard: hard})
		}
	}
	return writes
}

// of is the share of one resource.
func (s shareState) of(name corev1.ResourceName) share {
	amount := func(list corev1.ResourceList) (int64, bool) {
		q, ok := list[name]
		return ceiling(name, q), ok
	}
	out := share{frozen: s.frozen}
	var isEnforced, isUsed bool
	out.hard, _ = amount(s.hard)
	out.enforced, isEnforced = amount(s.enforced)
	out.used, isUsed = amount(s.used)
	out.counted = isEnforced && isUsed
	return out
}

// shrunk is a hard in which nothing is more than it is now.
func (s shareState) shrunk(hard corev1.ResourceList) corev1.ResourceList {
	out := corev1.ResourceList{}
	for name, amount := range hard {
		out[name] = amount
		if now, ok := s.hard[name]; !ok {
			out[name] = *resource.NewQuantity(0, amount.Format)
		} else if now.Cmp(amount) < 0 {
			out[name] = now
		}
	}
	return out
}

// equal says whether two lists say the same, however they spell it.
func equal(a, b corev1.ResourceList) bool {
	return maps.EqualFunc(a, b, func(p, q resource.Quantity) bool { return p.Cmp(q) == 0 })
}

// noShare is a share of nothing: what a namespace has at first.
func noShare(total corev1.ResourceList) corev1.ResourceList {
	out := corev1.ResourceList{}
	for name, amount := range total {
		out[name] = *resource.NewQuantity(0, amount.Format)
	}
	return out
}
