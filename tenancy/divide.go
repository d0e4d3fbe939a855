package tenancy

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// share is what one namespace has of one resource of the tenant, in the
// resource's smallest unit.
type share struct {
	// hard is what the ResourceQuota says, enforced what admission goes by: the
	// quota's status.hard, which kube-controller-manager copies from its spec.
	hard, enforced int64
	// used is what the namespace holds.
	used int64
	// counted says that enforced and used are known. Until they are, admission
	// goes by nothing.
	counted bool
	// frozen says that the share is not to change: its namespace is being deleted.
	frozen bool
}

// claim is the most that the namespace can hold, whatever becomes of requests
// and writes that are on their way: admission goes by enforced, which can only
// turn into hard, and what is used is used.
func (s share) claim() int64 { return max(s.hard, s.enforced, s.used) }

// limit is the most that admission goes by, now or when it has taken note of hard.
func (s share) limit() int64 { return max(s.hard, s.enforced) }

// settledClaim is the claim once kube-controller-manager has taken note of hard.
func (s share) settledClaim() int64 { return max(s.hard, s.used) }

// divide returns the next hard of each share. If the claims do not sum up to more
// than total before, they do not after the new hards are written, in any order,
// all of them or some: nothing grows by more than what no claim covers. What
// shrinks gives to others only in a later call, when it is seen to be enforced.
// Where more is used than admission should have let in, limits still sum up to no
// more than total.
//
// Who has too little headroom gets more, at the cost of who has most to spare;
// while all have enough, nothing changes.
func divide(total int64, shares []share) []int64 {
	next := make([]int64, len(shares))
	for i, s := range shares {
		next[i] = s.hard
	}
	due := headroom(total, shares)
	target := func(i int) int64 { return add(shares[i].used, due[i]) }
	changes := func(i int) bool { return shares[i].counted && !shares[i].frozen }

	// What short namespaces want beyond what they claim already, now and once all
	// is settled.
	var short []int
	var claimed, settled, want, wantSettled int64
	uncounted := false
	for i, s := range shares {
		uncounted = uncounted || !s.counted
		claimed, settled = add(claimed, s.claim()), add(settled, s.settledClaim())
		if changes(i) && target(i) > s.hard && s.hard-s.used < (due[i]+1)/2 {
			short = append(short, i)
			want = add(want, max(0, target(i)-s.claim()))
			wantSettled = add(wantSettled, max(0, target(i)-s.settledClaim()))
		}
	}

	// Who has most beyond its due gives first.
	var givers []int
	for i, s := range shares {
		if changes(i) && target(i) < s.hard {
			givers = append(givers, i)
		}
	}
	slices.SortStableFunc(givers, func(i, j int) int {
		return cmp.Compare(shares[j].hard-target(j), shares[i].hard-target(i))
	})
	for missing := add(settled, wantSettled) - total; missing > 0 && len(givers) > 0; givers = givers[1:] {
		next[givers[0]] = target(givers[0])
		missing -= shares[givers[0]].hard - target(givers[0])
	}

	// A share that is not counted yet may turn out to use anything.
	free := max(0, total-claimed)
	if uncounted {
		free = 0
	}
	for _, i := range short {
		room := shares[i].claim()
		if claimed > total {
			room = shares[i].limit()
		}
		beyond := max(0, target(i)-shares[i].claim())
		if want > free {
			beyond = part(free, beyond, want)
		}
		next[i] = max(next[i], min(target(i), add(room, beyond)))
	}
	return next
}

// headroom divides what is not used: half evenly, half by use, so that who grows
// has room to grow. Of the rest, too little to be divided, who uses most gets one
// each.
func headroom(total int64, shares []share) []int64 {
	due := make([]int64, len(shares))
	var used int64
	var takers []int
	for i, s := range shares {
		used = add(used, s.claimOfUse())
		if s.counted && !s.frozen {
			takers = append(takers, i)
		}
	}
	free := total - used
	if free <= 0 || len(takers) == 0 {
		return due
	}
	var usedByTakers int64
	for _, i := range takers {
		usedByTakers = add(usedByTakers, shares[i].used)
	}
	even := free
	if usedByTakers > 0 {
		even = free / 2
	}
	rest := free
	for _, i := range takers {
		due[i] = even / int64(len(takers))
		if usedByTakers > 0 {
			due[i] += part(free-even, shares[i].used, usedByTakers)
		}
		rest -= due[i]
	}
	slices.SortStableFunc(takers, func(i, j int) int { return cmp.Compare(shares[j].used, shares[i].used) })
	for _, i := range takers[:min(rest, int64(len(takers)))] {
		due[i]++
	}
	return due
}

// claimOfUse is what the share takes from the others' headroom: what it uses or,
// where it cannot change, all that it may use.
func (s share) claimOfUse() int64 {
	if s.counted && !s.frozen {
		return s.used
	}
	return s.claim()
}

// part is whole times share over total, rounded down, where share is at most
// total and total above 0.
func part(whole, share, total int64) int64 {
	high, low := bits.Mul64(uint64(whole), uint64(share))
	quotient, _ := bits.Div64(high, low, uint64(total))
	return int64(quotient)
}

// add adds amounts, none of them negative. A sum beyond what fits is the largest
// that does, which is more than any total.
func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
