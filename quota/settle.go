package quota

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
)

// settlement is a ledger's status held against what is there.
type settlement struct {
	// status is the new one; Version, Over and Counted are still the old ones.
	status *v1alpha1.QuotaLedgerStatus
	// changed says that it differs from the old one.
	changed bool
	// expired are the reservations that were dropped because nothing came of them.
	expired []v1alpha1.LedgerEntry
	// open is what must be looked up before the rest can be settled.
	open looks
	// full says that not all that is there has room; the status is the old one.
	full error
}

// settle holds a status against what is known. What is not certain stays as it
// is: no unit is freed, and none is added, on a cache's word alone.
func settle(old *v1alpha1.QuotaLedgerStatus, s *sight) settlement {
	var out settlement
	present := s.present()
	here := make(map[types.UID]*v1alpha1.LedgerEntry, len(present))
	for i := range present {
		here[present[i].UID] = &present[i]
	}
	known := make(map[types.UID]bool, len(old.Holders))
	holders := make([]v1alpha1.LedgerEntry, 0, max(len(old.Holders), len(present)))
	for i := range old.Holders {
		e := &old.Holders[i]
		known[e.UID] = true
		switch now := here[e.UID]; {
		case now != nil:
			holders = append(holders, with(*now, e.Further))
		case !s.gone[e.UID]:
			holders = append(holders, *e)
			out.open.holders = append(out.open.holders, *e)
		}
	}
	reserved := make(map[token]*v1alpha1.LedgerEntry, len(old.Reservations))
	for i := range old.Reservations {
		reserved[tokenOf(&old.Reservations[i])] = &old.Reservations[i]
	}
	used := map[token]bool{}
	for i := range present {
		e := &present[i]
		t := tokenOf(e)
		announced := e.Reservation != "" && reserved[t] != nil && !used[t]
		if announced {
			used[t] = true
		}
		switch {
		case known[e.UID]:
		case announced:
			holders = append(holders, with(*e, reserved[t].Further))
		case s.met[e.UID]:
			holders = append(holders, *e)
		default:
			out.open.strangers = append(out.open.strangers, *e)
		}
	}
	reservations := make([]v1alpha1.LedgerEntry, 0, len(old.Reservations))
	for i := range old.Reservations {
		e := &old.Reservations[i]
		t := tokenOf(e)
		switch {
		case used[t], s.spent[t]:
		case s.lapsed[t] && s.void[t]:
			out.expired = append(out.expired, *e)
		case s.lapsed[t]:
			out.open.reservations = append(out.open.reservations, *e)
			fallthrough
		default:
			reservations = append(reservations, *e)
		}
	}
	slices.SortFunc(holders, compareHolders)
	out.finish(old, holders, reservations)
	return out
}

// with is an entry as an object is seen now, and what another version of usher had
// noted in its entry before.
func with(e v1alpha1.LedgerEntry, further []string) v1alpha1.LedgerEntry {
	e.Further = further
	return e
}

func (out *settlement) finish(old *v1alpha1.QuotaLedgerStatus, holders, reservations []v1alpha1.LedgerEntry) {
	bytes := 0
	for _, entries := range [][]v1alpha1.LedgerEntry{holders, reservations} {
		for i := range entries {
			bytes += bytesOf(&entries[i])
		}
	}
	next := *old
	if out.full = room(len(holders), len(reservations), bytes); out.full != nil {
		// Nothing may be reserved on a ledger that does not say all.
		next.Counted, out.expired = nil, nil
	} else {
		next.Holders, next.Reservations = holders, reservations
		next.Used, next.Reserved = sumOf(holders).units, sumOf(reservations).units
	}
	out.status = &next
	out.changed = old.Used != next.Used || old.Reserved != next.Reserved || (old.Counted == nil) != (next.Counted == nil) ||
		!equality.Semantic.DeepEqual(old.Holders, next.Holders) || !equality.Semantic.DeepEqual(old.Reservations, next.Reservations)
}
