package quota

import (
	"slices"

	"usher.dev/usher/api/v1alpha1"
)

// book is the running state of a ledger while requests are decided on it one
// after the other. The ledger that it was opened from is never changed.
type book struct {
	ledger       *v1alpha1.QuotaLedger
	reservations []v1alpha1.LedgerEntry
	settled      map[string]bool // reservations that holders bear
	tally        *tally
	bytes        int
	added        int
}

func openBook(ledger *v1alpha1.QuotaLedger) *book {
	b := &book{
		ledger:       ledger,
		reservations: slices.Clone(ledger.Status.Reservations),
		settled:      make(map[string]bool, len(ledger.Status.Holders)),
		tally:        tallyOf(&ledger.Status),
	}
	for i := range ledger.Status.Holders {
		e := &ledger.Status.Holders[i]
		b.bytes += bytesOf(e)
		if e.Reservation != "" {
			b.settled[e.Reservation] = true
		}
	}
	for i := range b.reservations {
		b.bytes += bytesOf(&b.reservations[i])
	}
	return b
}

// consider returns what a rule is to decide on, or why nothing may be added
// whatever the rule says. What the asker has reserved before is left out: the API
// server validates a pod again, with the same reservation, when the name that it
// generated for it was taken.
func (b *book) consider(ask *Ask) (map[string]any, error) {
	e := &ask.Entry
	if b.settled[e.Reservation] {
		return nil, ErrSpent
	}
	tally, count, bytes := b.tally, len(b.reservations), b.bytes
	if at := b.earlier(e); at >= 0 {
		if !sameReservation(&b.reservations[at], e) {
			return nil, ErrSpent
		}
		count, bytes, tally = count-1, bytes-bytesOf(&b.reservations[at]), b.without(at)
	}
	if err := room(len(b.ledger.Status.Holders), count+1, bytes+bytesOf(e)); err != nil {
		return nil, err
	}
	return tally.document(b.ledger.Name, &b.ledger.Spec.Hard, ask), nil
}

// add adds what was considered last, in place of what the asker had. What another
// version of usher noted with that stays.
func (b *book) add(e *v1alpha1.LedgerEntry) {
	entry := *e
	if at := b.earlier(e); at >= 0 {
		entry.Further = b.reservations[at].Further
		b.bytes -= bytesOf(&b.reservations[at])
		b.tally = b.without(at)
		b.reservations = slices.Delete(b.reservations, at, at+1)
	}
	b.reservations = append(b.reservations, entry)
	b.bytes += bytesOf(&entry)
	b.tally.reserve(&entry)
	b.added++
}

// status is the state as it is to be written.
func (b *book) status() *v1alpha1.QuotaLedgerStatus {
	next := b.ledger.Status
	next.Reservations = b.reservations
	next.Used, next.Reserved = b.tally.used.units, b.tally.reserved.units
	return &next
}

// earlier finds the reservation that bears the same ID; -1: none.
func (b *book) earlier(e *v1alpha1.LedgerEntry) int {
	return slices.IndexFunc(b.reservations, func(r v1alpha1.LedgerEntry) bool { return r.Reservation == e.Reservation })
}

// without adds up all but one reservation.
func (b *book) without(at int) *tally {
	rest := b.ledger.Status
	rest.Reservations = slices.Delete(slices.Clone(b.reservations), at, at+1)
	return tallyOf(&rest)
}
