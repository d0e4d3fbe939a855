package tenancy

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// settledShare is one that kube-controller-manager has taken note of.
func settledShare(hard, used int64) share {
	return share{hard: hard, enforced: hard, used: used, counted: true}
}

func TestDivide(t *testing.T) {
	for name, c := range map[string]struct {
		total  int64
		shares []share
		want   []int64
	}{
		"no namespaces":                                 {10, nil, []int64{}},
		"one namespace gets all":                        {10, []share{settledShare(0, 0)}, []int64{10}},
		"at first all get the same":                     {10, []share{settledShare(0, 0), settledShare(0, 0)}, []int64{5, 5}},
		"too little to divide goes to who uses it":      {4, []share{settledShare(0, 0), settledShare(1, 1), settledShare(1, 1)}, []int64{0, 2, 2}},
		"enough for all: nothing changes":               {100, []share{settledShare(45, 10), settledShare(50, 0)}, []int64{45, 50}},
		"who spares gives first, who is short waits":    {100, []share{settledShare(50, 50), settledShare(50, 0)}, []int64{50, 12}},
		"what is not enforced yet is not given":         {100, []share{settledShare(50, 50), {hard: 12, enforced: 50, counted: true}}, []int64{50, 12}},
		"what is given is taken":                        {100, []share{settledShare(50, 50), settledShare(12, 0)}, []int64{88, 12}},
		"used meanwhile is not given, only the rest":    {100, []share{settledShare(50, 50), settledShare(12, 45)}, []int64{53, 47}},
		"an uncounted namespace keeps all from growing": {100, []share{settledShare(0, 0), {}}, []int64{0, 0}},
		"a lower total leaves what is used":             {10, []share{settledShare(20, 15), settledShare(20, 5)}, []int64{15, 5}},
		"a namespace that goes keeps what it has":       {100, []share{settledShare(0, 0), {hard: 60, enforced: 60, used: 60, counted: true, frozen: true}}, []int64{40, 60}},
		"more used than there may be raises no limit":   {40, []share{settledShare(11, 12), settledShare(29, 29)}, []int64{11, 29}},
		"a share that somebody raised goes back":        {10, []share{settledShare(5, 1), settledShare(500, 1)}, []int64{5, 5}},
		"a quarter of a pod is no pod":                  {3, []share{settledShare(0, 0), settledShare(0, 0), settledShare(0, 0), settledShare(0, 0)}, []int64{1, 1, 1, 0}},
		"amounts at the end of what fits":               {math.MaxInt64, []share{settledShare(math.MaxInt64/2, math.MaxInt64/2), settledShare(0, 0)}, []int64{math.MaxInt64 - math.MaxInt64/8 - 1, math.MaxInt64/8 + 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, divide(c.total, c.shares)); diff != "" {
				t.Errorf("hards (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAtRestNothingChanges settles any state, with nothing created and nothing
// deleted: in a few rounds nothing is written any more, and then ever.
func TestAtRestNothingChanges(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		total := rapid.Int64Range(0, 1000).Draw(r, "total")
		shares := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) share {
			return settledShare(rapid.Int64Range(0, 300).Draw(r, "hard"), rapid.Int64Range(0, 200).Draw(r, "used"))
		}), 1, 8).Draw(r, "shares")
		rounds := 0
		for ; ; rounds++ {
			next := divide(total, shares)
			changed := false
			for i := range shares {
				changed = changed || shares[i].hard != next[i]
				shares[i].hard, shares[i].enforced = next[i], next[i]
			}
			if !changed {
				break
			}
			if rounds > 4 {
				r.Fatalf("still changing: %+v", shares)
			}
		}
		var used, hard int64
		for _, s := range shares {
			used, hard = used+s.used, hard+s.settledClaim()
		}
		if hard > max(total, used) {
			r.Fatalf("at rest %d of %d are claimed, %d used: %+v", hard, total, used, shares)
		}
		// Somebody can still create something, unless all is used or there is less
		// than one each.
		if total-used >= int64(len(shares)) {
			for _, s := range shares {
				if s.hard == s.used && s.used < 200 && (total-used)/2 >= int64(len(shares)) {
					r.Fatalf("a namespace has no room while %d are free: %+v", total-used, shares)
				}
			}
		}
	})
}
