package quota

import (
	"slices"

	"usher.dev/usher/api/v1alpha1"
)

// Ask is what a pod, a claim or a workload asks of its tenant's ledger.
type Ask struct {
	// Entry says who asks for how much. Of a workload, it is one pod of it.
	Entry v1alpha1.LedgerEntry
	// Replicas is how many such pods a workload asks for; 0: it is no workload.
	Replicas int64
}

// document is input.quota.request.
func (a *Ask) document() map[string]any {
	factor := int64(1)
	out := map[string]any{}
	if a.Replicas != 0 {
		factor = a.Replicas
		out["replicas"] = factor
	}
	resources := make(map[string]any, len(a.Entry.Resources))
	for name, n := range a.Entry.Resources {
		resources[name] = times(n, factor)
	}
	out["units"], out["resources"] = times(a.Entry.MicroUnits, factor), resources
	return out
}

// Document is input.quota: the ledger as the rule deny_reservation sees it, with
// what is asked beside it. A reservation that the asker has already is left out,
// since a new one would replace it.
func Document(ledger *v1alpha1.QuotaLedger, ask Ask) map[string]any {
	status := &ledger.Status
	if at := reservationOf(status, &ask.Entry); at >= 0 {
		status = status.DeepCopy()
		status.Reservations = slices.Delete(status.Reservations, at, at+1)
	}
	return tallyOf(status).document(ledger.Name, &ledger.Spec.Hard, &ask)
}

// reservationOf finds the earlier reservation of whom the entry is of; -1: none.
func reservationOf(status *v1alpha1.QuotaLedgerStatus, entry *v1alpha1.LedgerEntry) int {
	if entry.Reservation == "" {
		return -1
	}
	return slices.IndexFunc(status.Reservations, func(e v1alpha1.LedgerEntry) bool { return sameReservation(&e, entry) })
}

// sameReservation says whether two entries bear the reservation of one object. An
// object of another kind or in another namespace is never the same one.
func sameReservation(a, b *v1alpha1.LedgerEntry) bool {
	return a.Reservation == b.Reservation && a.Kind == b.Kind && a.Namespace == b.Namespace
}
