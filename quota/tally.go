package quota

import (
	"cmp"
	"maps"
	"slices"

	"usher.dev/usher/api/v1alpha1"
)

// named is how many of the largest holders a document names: a denial that lists
// more is not read.
const named = 5

// sums adds up entries.
type sums struct {
	units      int64
	namespaces map[string]int64
	resources  map[string]int64
}

func sumOf(entries []v1alpha1.LedgerEntry) sums {
	s := sums{namespaces: map[string]int64{}, resources: map[string]int64{}}
	for i := range entries {
		s.add(&entries[i])
	}
	return s
}

func (s *sums) add(e *v1alpha1.LedgerEntry) {
	s.units = plus(s.units, e.MicroUnits)
	s.namespaces[e.Namespace] = plus(s.namespaces[e.Namespace], e.MicroUnits)
	for name, n := range e.Resources {
		s.resources[name] = plus(s.resources[name], n)
	}
}

// document is what a rule sees of the sums, for a request in a namespace.
func (s *sums) document(namespace string) map[string]any {
	return map[string]any{
		"units":           s.units,
		"namespace_units": s.namespaces[namespace],
		"resources":       numbers(s.resources),
	}
}

// holding is an entry as a denial names it.
type holding struct {
	entry    *v1alpha1.LedgerEntry
	reserved bool
}

// compare puts the largest first.
func (h holding) compare(other holding) int {
	a, b := h.entry, other.entry
	return cmp.Or(cmp.Compare(b.MicroUnits, a.MicroUnits), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.UID, b.UID), cmp.Compare(a.Reservation, b.Reservation))
}

func (h holding) document() map[string]any {
	return map[string]any{
		"kind": h.entry.Kind, "namespace": h.entry.Namespace, "name": h.entry.Name,
		"units": h.entry.MicroUnits, "reserved": h.reserved,
	}
}

// tally is a ledger's status added up once, so that many requests can be decided
// on it without adding it up again.
type tally struct {
	used, reserved sums
	largest        []holding
	freeing        sums
	freeingCount   int64
}

func tallyOf(status *v1alpha1.QuotaLedgerStatus) *tally {
	t := &tally{used: sumOf(status.Holders), reserved: sumOf(status.Reservations), freeing: sumOf(nil)}
	for i := range status.Holders {
		e := &status.Holders[i]
		t.rank(holding{entry: e})
		if e.FreeBy != nil {
			t.freeing.add(e)
			t.freeingCount++
		}
	}
	for i := range status.Reservations {
		t.rank(holding{entry: &status.Reservations[i], reserved: true})
	}
	return t
}

// reserve adds one more reservation.
func (t *tally) reserve(e *v1alpha1.LedgerEntry) {
	t.reserved.add(e)
	t.rank(holding{entry: e, reserved: true})
}

// rank keeps the largest.
func (t *tally) rank(h holding) {
	if len(t.largest) == named && t.largest[named-1].compare(h) <= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(t.largest, h, holding.compare)
	t.largest = slices.Insert(t.largest, at, h)
	t.largest = t.largest[:min(len(t.largest), named)]
}

// document is input.quota for a request.
func (t *tally) document(tenant string, hard *v1alpha1.QuotaHard, ask *Ask) map[string]any {
	limits := map[string]any{}
	if hard.MicroUnits != nil {
		limits["units"] = *hard.MicroUnits
	}
	if hard.NamespaceMicroUnits != nil {
		limits["namespace_units"] = *hard.NamespaceMicroUnits
	}
	limits["resources"] = numbers(hard.Resources)
	holders := make([]any, len(t.largest))
	for i, h := range t.largest {
		holders[i] = h.document()
	}
	return map[string]any{
		"tenant":   tenant,
		"hard":     limits,
		"used":     t.used.document(ask.Entry.Namespace),
		"reserved": t.reserved.document(ask.Entry.Namespace),
		"request":  ask.document(),
		"holders":  holders,
		"freeing":  map[string]any{"units": t.freeing.units, "count": t.freeingCount},
	}
}

func numbers(in map[string]int64) map[string]any {
	out := make(map[string]any, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		out[name] = in[name]
	}
	return out
}
