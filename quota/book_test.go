package quota

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"usher.dev/usher/api/v1alpha1"
)

// TestABook reserves at random and holds the running state against one that is
// added up from nothing.
func TestABook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ledger := &v1alpha1.QuotaLedger{Status: *drawStatus(t)}
		ledger.Name = "t"
		before := ledger.DeepCopy()
		b := openBook(ledger)
		for range rapid.IntRange(0, 12).Draw(t, "requests") {
			ask := Ask{Entry: drawEntry(t)}
			if ask.Entry.Reservation == "" {
				ask.Entry.Reservation = "r5"
			}
			now := &v1alpha1.QuotaLedger{ObjectMeta: ledger.ObjectMeta, Spec: ledger.Spec, Status: *b.status()}
			document, err := b.consider(&ask)
			if errors.Is(err, ErrSpent) {
				if !bears(ledger.Status.Holders, ask.Entry.Reservation) && (reservationOf(&now.Status, &ask.Entry) >= 0 || !bears(now.Status.Reservations, ask.Entry.Reservation)) {
					t.Fatalf("%v is nobody's", ask.Entry.Reservation)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Document(now, ask), document); diff != "" {
				t.Fatalf("input.quota (-from nothing +running):\n%s", diff)
			}
			if diff := cmp.Diff(&now.Status, b.status()); diff != "" {
				t.Fatalf("to consider changed the state:\n%s", diff)
			}
			if rapid.Bool().Draw(t, "yes") {
				b.add(&ask.Entry)
			}
		}
		next := b.status()
		if next.Used != sumOf(next.Holders).units || next.Reserved != sumOf(next.Reservations).units {
			t.Fatalf("totals are no sums: %+v", next)
		}
		bytes := 0
		seen := map[string]bool{}
		for _, e := range next.Reservations {
			if seen[e.Reservation] {
				t.Fatalf("%s is reserved twice", e.Reservation)
			}
			seen[e.Reservation] = true
			bytes += bytesOf(&e)
		}
		for _, e := range next.Holders {
			bytes += bytesOf(&e)
		}
		if bytes != b.bytes {
			t.Fatalf("%d bytes, and %d were kept", bytes, b.bytes)
		}
		if diff := cmp.Diff(before, ledger, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the ledger was changed:\n%s", diff)
		}
	})
}

func bears(entries []v1alpha1.LedgerEntry, id string) bool {
	for _, e := range entries {
		if e.Reservation == id {
			return true
		}
	}
	return false
}

func TestAFullLedgerTakesNoMore(t *testing.T) {
	many := func(n, length int) (out []v1alpha1.LedgerEntry) {
		for i := range n {
			out = append(out, v1alpha1.LedgerEntry{Kind: "Pod", Namespace: "a", Name: fmt.Sprintf("%0*d", length, i), Reservation: fmt.Sprint(i)})
		}
		return out
	}
	for _, test := range []struct {
		name                  string
		holders, reservations []v1alpha1.LedgerEntry
		want                  *FullError
	}{
		{"one holder fewer than the most", many(maxHolders-1, 6), nil, nil},
		{"as many holders as there may be", many(maxHolders, 6), nil, &FullError{"pods and claims with GPUs", maxHolders}},
		{"reservations will be holders", many(maxHolders-1000, 6), many(1000, 6), &FullError{"pods and claims with GPUs", maxHolders}},
		{"as many reservations as there may be", nil, many(maxReservations, 6), &FullError{"reservations of pods that have not been seen yet", maxReservations}},
		{"as many bytes as there may be", many(4000, 250), nil, &FullError{"bytes of pods and claims with GPUs", maxBytes}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := openBook(&v1alpha1.QuotaLedger{Status: *statusOf(test.holders, test.reservations)})
			_, err := b.consider(&Ask{Entry: reservation("new", 1)})
			var got *FullError
			errors.As(err, &got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
