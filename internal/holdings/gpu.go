package holdings

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

// maxLargest is how many of the largest holders are named.
const maxLargest = 10

// describeGPU adds up a ledger.
func describeGPU(limits *v1alpha1.GPULimits, namespaces []string, ledger *v1alpha1.QuotaLedger) *GPU {
	g := &GPU{
		Models: limits.Models, PerPod: text(limits.PerPod), PerContainer: text(limits.PerContainer),
		Namespaces: []Share{}, Resources: []Share{}, Reservations: []Entry{}, Largest: []Entry{},
	}
	if ledger == nil || ledger.Status.Counted == nil {
		g.Total.Limit = text(limits.PerTenant)
		return g
	}
	status, hard := &ledger.Status, &ledger.Spec.Hard
	g.Counted, g.Holders = status.Counted, len(status.Holders)
	used, reserved := sumOf(status.Holders), sumOf(status.Reservations)
	g.Total = share("", hard.MicroUnits, used.units, reserved.units, units)
	for _, name := range names(namespaces, used.namespaces, reserved.namespaces) {
		g.Namespaces = append(g.Namespaces, share(name, hard.NamespaceMicroUnits, used.namespaces[name], reserved.namespaces[name], units))
	}
	for _, name := range names(nil, hard.Resources, used.resources, reserved.resources) {
		var limit *int64
		if n, ok := hard.Resources[name]; ok {
			limit = &n
		}
		g.Resources = append(g.Resources, share(name, limit, used.resources[name], reserved.resources[name], devices))
	}
	for i := range status.Reservations {
		g.Reservations = append(g.Reservations, entryOf(&status.Reservations[i]))
	}
	largest := slices.SortedFunc(slices.Values(status.Holders), func(a, b v1alpha1.LedgerEntry) int {
		return cmp.Or(cmp.Compare(b.MicroUnits, a.MicroUnits), cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.UID, b.UID))
	})
	for i := range largest[:min(len(largest), maxLargest)] {
		g.Largest = append(g.Largest, entryOf(&largest[i]))
	}
	return g
}

// sums adds up entries.
type sums struct {
	units      int64
	namespaces map[string]int64 // units
	resources  map[string]int64 // devices
}

func sumOf(entries []v1alpha1.LedgerEntry) sums {
	s := sums{namespaces: map[string]int64{}, resources: map[string]int64{}}
	for i := range entries {
		e := &entries[i]
		s.units += e.MicroUnits
		s.namespaces[e.Namespace] += e.MicroUnits
		for name, n := range e.Resources {
			s.resources[name] += n
		}
	}
	return s
}

// share is one line of amounts, written by a function.
func share(name string, limit *int64, used, reserved int64, write func(int64) string) Share {
	s := Share{Name: name, Used: write(used), Reserved: write(reserved)}
	if limit != nil {
		s.Limit, s.Free, s.Over = write(*limit), write(*limit-used-reserved), used+reserved > *limit
	}
	return s
}

func units(n int64) string   { return quota.Units(n).String() }
func devices(n int64) string { return strconv.FormatInt(n, 10) }

func text(q *resource.Quantity) string {
	if q == nil {
		return ""
	}
	return q.String()
}

// names are those of a list and of maps, sorted, each once.
func names(list []string, of ...map[string]int64) []string {
	all := slices.Clone(list)
	for _, m := range of {
		all = slices.AppendSeq(all, maps.Keys(m))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func entryOf(e *v1alpha1.LedgerEntry) Entry {
	return Entry{e.Kind, e.Namespace, e.Name, units(e.MicroUnits), e.Expires, e.FreeBy}
}
