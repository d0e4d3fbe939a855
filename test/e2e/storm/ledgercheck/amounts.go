package ledgercheck

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"usher.dev/usher/api/v1alpha1"
)

// measure is something that a limit may be on: the tenant's units, where both are
// empty, those in one namespace, or devices of one resource.
type measure struct{ namespace, resource string }

func (m measure) String() string {
	switch {
	case m.namespace != "":
		return "millionths of a GPU in namespace " + m.namespace
	case m.resource != "":
		return m.resource
	default:
		return "millionths of a GPU"
	}
}

func (m measure) compare(other measure) int {
	return cmp.Or(cmp.Compare(m.namespace, other.namespace), cmp.Compare(m.resource, other.resource))
}

// limit is what a ledger says of a measure.
func (m measure) limit(hard *v1alpha1.QuotaHard) (limit int64, limited bool) {
	var of *int64
	switch {
	case m.namespace != "":
		of = hard.NamespaceMicroUnits
	case m.resource != "":
		limit, limited = hard.Resources[m.resource]
		return limit, limited
	default:
		of = hard.MicroUnits
	}
	if of == nil {
		return 0, false
	}
	return *of, true
}

// amounts are how much there is by each measure.
type amounts map[measure]int64

func (a amounts) add(namespace string, units int64, resources map[string]int64) {
	a[measure{}] += units
	a[measure{namespace: namespace}] += units
	for name, n := range resources {
		a[measure{resource: name}] += n
	}
}

func (a amounts) addEntries(entries []v1alpha1.LedgerEntry) {
	for i := range entries {
		a.add(entries[i].Namespace, entries[i].MicroUnits, entries[i].Resources)
	}
}

// overshoot says by which measures more is held than may be and than was before,
// sorted. Where less was allowed meanwhile, what is held already may stay.
func (a amounts) overshoot(before amounts, hard *v1alpha1.QuotaHard) []string {
	var out []string
	for _, m := range slices.SortedFunc(maps.Keys(a), measure.compare) {
		if limit, limited := m.limit(hard); limited && a[m] > limit && a[m] > before[m] {
			out = append(out, fmt.Sprintf("%d %s are held or reserved, %d may be, %d were before", a[m], m, limit, before[m]))
		}
	}
	return out
}

// hasRoom says whether as much more may be held.
func (a amounts) hasRoom(more amounts, hard *v1alpha1.QuotaHard) bool {
	for m, n := range more {
		if limit, limited := m.limit(hard); limited && n > 0 && a[m]+n > limit {
			return false
		}
	}
	return true
}
