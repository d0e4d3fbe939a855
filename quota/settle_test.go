package quota

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"usher.dev/usher/api/v1alpha1"
)

// reservation and holder are the two shapes of an entry in tests.
func reservation(id string, units int64) v1alpha1.LedgerEntry {
	return v1alpha1.LedgerEntry{Reservation: id, Kind: v1alpha1.KindPod, Namespace: "a", Name: "pod-" + id, MicroUnits: units}
}

func holder(id string, units int64) v1alpha1.LedgerEntry {
	e := reservation(id, units)
	e.UID = types.UID("uid-" + id)
	return e
}

// statusOf is a status with right totals.
func statusOf(holders, reservations []v1alpha1.LedgerEntry) *v1alpha1.QuotaLedgerStatus {
	return &v1alpha1.QuotaLedgerStatus{
		Version: "v", Holders: holders, Reservations: reservations,
		Used: sumOf(holders).units, Reserved: sumOf(reservations).units,
	}
}

func TestWhatIsSettled(t *testing.T) {
	type entries = []v1alpha1.LedgerEntry
	trued := holder("x", 3)
	trued.MicroUnits = 5
	a, r := holder("x", 3), reservation("x", 3)
	elsewhere := a
	elsewhere.Namespace = "b"
	claim := a
	claim.Kind = v1alpha1.KindClaim
	nameless := a
	nameless.Reservation = ""
	twin := a
	twin.UID, twin.Name = "uid-twin", "twin"
	noted, announced := a, r
	noted.Further, announced.Further = []string{"zone=b"}, []string{"zone=b"}
	truedNoted := trued
	truedNoted.Further = noted.Further
	gone, token := map[types.UID]bool{"uid-x": true}, map[token]bool{tokenOf(&r): true}

	for _, test := range []struct {
		name    string
		old     *v1alpha1.QuotaLedgerStatus
		see     sight
		want    *v1alpha1.QuotaLedgerStatus
		expired entries
		open    looks
	}{
		{name: "a reservation whose pod is seen becomes a holder", old: statusOf(nil, entries{r}), see: sight{live: entries{a}}, want: statusOf(entries{a}, nil)},
		{name: "a reservation whose pod is not seen stays", old: statusOf(nil, entries{r}), want: statusOf(nil, entries{r})},
		{name: "a pod of another namespace does not use a reservation", old: statusOf(nil, entries{r}), see: sight{live: entries{elsewhere}}, want: statusOf(nil, entries{r}), open: looks{strangers: entries{elsewhere}}},
		{name: "a claim does not use a pod's reservation", old: statusOf(nil, entries{r}), see: sight{live: entries{claim}}, want: statusOf(nil, entries{r}), open: looks{strangers: entries{claim}}},
		{name: "a pod without a reservation is looked up before it counts", old: statusOf(nil, nil), see: sight{live: entries{nameless}}, want: statusOf(nil, nil), open: looks{strangers: entries{nameless}}},
		{name: "a pod without a reservation counts once it was met", old: statusOf(nil, nil), see: sight{live: entries{nameless}, met: gone}, want: statusOf(entries{nameless}, nil)},
		{name: "of two pods with one reservation, one uses it", old: statusOf(nil, entries{r}), see: sight{live: entries{twin, a}}, want: statusOf(entries{a}, nil), open: looks{strangers: entries{twin}}},
		{name: "a holder that is gone frees its units", old: statusOf(entries{a}, nil), see: sight{gone: gone}, want: statusOf(nil, nil)},
		{name: "a holder that a cache lacks is looked up and stays", old: statusOf(entries{a}, nil), want: statusOf(entries{a}, nil), open: looks{holders: entries{a}}},
		{name: "what is gone does not come back from a cache", old: statusOf(nil, nil), see: sight{live: entries{a}, gone: gone}, want: statusOf(nil, nil)},
		{name: "a reservation of what is gone is not used by what a cache still has", old: statusOf(nil, entries{r}), see: sight{live: entries{a}, gone: gone}, want: statusOf(nil, entries{r})},
		{name: "a holder is trued up", old: statusOf(entries{a}, nil), see: sight{live: entries{trued}}, want: statusOf(entries{trued}, nil)},
		{name: "what another version noted with a reservation goes over to the holder", old: statusOf(nil, entries{announced}), see: sight{live: entries{a}}, want: statusOf(entries{noted}, nil)},
		{name: "what another version noted of a holder stays", old: statusOf(entries{noted}, nil), see: sight{live: entries{a}}, want: statusOf(entries{noted}, nil)},
		{name: "what another version noted of a holder stays when it is trued up", old: statusOf(entries{noted}, nil), see: sight{live: entries{trued}}, want: statusOf(entries{truedNoted}, nil)},
		{name: "a reservation whose pod came and went is dropped", old: statusOf(nil, entries{r}), see: sight{spent: token}, want: statusOf(nil, nil)},
		{name: "a lapsed reservation is looked up and stays", old: statusOf(nil, entries{r}), see: sight{lapsed: token}, want: statusOf(nil, entries{r}), open: looks{reservations: entries{r}}},
		{name: "a lapsed reservation that nothing bears is dropped", old: statusOf(nil, entries{r}), see: sight{lapsed: token, void: token}, want: statusOf(nil, nil), expired: entries{r}},
		{name: "a reservation that nothing bears yet is not dropped before it lapsed", old: statusOf(nil, entries{r}), see: sight{void: token}, want: statusOf(nil, entries{r})},
		{name: "a lapsed reservation whose pod is seen is none that expired", old: statusOf(nil, entries{r}), see: sight{live: entries{a}, lapsed: token}, want: statusOf(entries{a}, nil)},
		{name: "wrong totals are put right", old: &v1alpha1.QuotaLedgerStatus{Version: "v", Used: 9, Holders: entries{a}}, see: sight{live: entries{a}}, want: statusOf(entries{a}, nil)},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := test.old.DeepCopy()
			got := settle(test.old, &test.see)
			want := settlement{status: test.want, changed: !cmp.Equal(test.old, test.want), expired: test.expired, open: test.open}
			if diff := cmp.Diff(want, got, asLists()...); diff != "" {
				t.Errorf("settlement (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, test.old); diff != "" {
				t.Errorf("the old status was changed:\n%s", diff)
			}
		})
	}
}

func TestALedgerThatHoldsTooMuchLetsNothingBeReserved(t *testing.T) {
	var see sight
	see.met = map[types.UID]bool{}
	for i := range maxHolders + 1 {
		e := v1alpha1.LedgerEntry{Kind: "Pod", Namespace: "a", Name: fmt.Sprint("p", i), UID: types.UID(fmt.Sprint(i)), MicroUnits: 1}
		see.live, see.met[e.UID] = append(see.live, e), true
	}
	old := statusOf(nil, nil)
	old.Counted = someTime()
	got := settle(old, &see)
	want := settlement{status: statusOf(nil, nil), changed: true, full: &FullError{What: "pods and claims with GPUs", Limit: maxHolders}}
	if diff := cmp.Diff(want, got, asLists()...); diff != "" {
		t.Errorf("settlement (-want +got):\n%s", diff)
	}
	see.live = see.live[1:]
	if got := settle(old, &see); got.full != nil || len(got.status.Holders) != maxHolders {
		t.Errorf("one fewer does not fit: %v", got.full)
	}
}

// TestSettling holds settle against what it promises, on statuses and sights of
// every kind.
func TestSettling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, see := drawStatus(t), drawSight(t)
		before := old.DeepCopy()
		got := settle(old, see)
		if diff := cmp.Diff(before, old); diff != "" {
			t.Fatalf("the old status was changed:\n%s", diff)
		}
		next := got.status
		if next.Used != sumOf(next.Holders).units || next.Reserved != sumOf(next.Reservations).units {
			t.Fatalf("totals are no sums: %+v", next)
		}
		if !slices.IsSortedFunc(next.Holders, compareHolders) {
			t.Fatalf("holders are not sorted: %v", next.Holders)
		}
		if same := cmp.Equal(old, next, asLists()...); same == got.changed {
			t.Fatalf("changed is %v:\n%s", got.changed, cmp.Diff(old, next))
		}
		// Only what is known to be gone is freed; only what was announced or met
		// is added.
		for _, e := range old.Holders {
			if kept := hasUID(next.Holders, e.UID); kept == see.gone[e.UID] {
				t.Fatalf("holder %s: kept %v, gone %v", e.UID, kept, see.gone[e.UID])
			}
		}
		for _, e := range next.Holders {
			announced := slices.ContainsFunc(old.Reservations, func(r v1alpha1.LedgerEntry) bool { return sameReservation(&r, &e) })
			if !hasUID(old.Holders, e.UID) && !announced && !see.met[e.UID] {
				t.Fatalf("holder %s came from nowhere", e.UID)
			}
		}
		for _, r := range old.Reservations {
			if slices.ContainsFunc(next.Reservations, func(e v1alpha1.LedgerEntry) bool { return sameReservation(&e, &r) }) {
				continue
			}
			seen := slices.ContainsFunc(next.Holders, func(e v1alpha1.LedgerEntry) bool { return sameReservation(&e, &r) })
			if !seen && !see.spent[tokenOf(&r)] && (!see.lapsed[tokenOf(&r)] || !see.void[tokenOf(&r)]) {
				t.Fatalf("reservation %s was dropped", r.Reservation)
			}
		}
		// Settled is settled: the same sight changes nothing more.
		if again := settle(next, see); again.changed {
			t.Fatalf("settling again changes the status:\n%s", cmp.Diff(next, again.status))
		}
	})
}

func hasUID(entries []v1alpha1.LedgerEntry, uid types.UID) bool {
	return slices.ContainsFunc(entries, func(e v1alpha1.LedgerEntry) bool { return e.UID == uid })
}
