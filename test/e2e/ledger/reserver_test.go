package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

// requestTime is what the API server gives a webhook at most.
const requestTime = 30 * time.Second

func newReserver(t *testing.T, cfg *rest.Config) *quota.Reserver {
	t.Helper()
	r, err := quota.NewReserver(cfg, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reserve reserves as the webhook does.
func reserve(t *testing.T, r *quota.Reserver, tenant string, ask quota.Ask) (yes bool, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), requestTime)
	defer cancel()
	err = r.Reserve(ctx, tenant, ask, shipped(&yes))
	return yes && err == nil, err
}

// watchOver checks every version of a ledger until the test ends: no more than
// the limit, and totals that are sums.
func watchOver(t *testing.T, ledger *v1alpha1.QuotaLedger, limit int64) (versions *atomic.Int64) {
	t.Helper()
	versions = &atomic.Int64{}
	watch, err := admin.Watch(t.Context(), &v1alpha1.QuotaLedgerList{}, client.MatchingFields{"metadata.name": ledger.Name})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for e := range watch.ResultChan() {
			l, ok := e.Object.(*v1alpha1.QuotaLedger)
			if !ok {
				continue
			}
			versions.Add(1)
			sum := int64(0)
			for _, entries := range [][]v1alpha1.LedgerEntry{l.Status.Holders, l.Status.Reservations} {
				for _, entry := range entries {
					sum += entry.MicroUnits
				}
			}
			if sum != l.Status.Used+l.Status.Reserved || sum > limit*int64(quota.One) {
				t.Errorf("version %s: %s", l.Status.Version, describe(l))
			}
		}
	})
	t.Cleanup(func() {
		watch.Stop()
		group.Wait()
	})
	return versions
}

func TestThreeReplicasAdmitExactlyTheLimit(t *testing.T) {
	const clients, each, limit = 50, 20, 64
	ledger := countedLedger(t, limit)
	versions := watchOver(t, ledger, limit)
	var replicas []*quota.Reserver
	for range 3 {
		replicas = append(replicas, newReserver(t, plane.Config()))
	}
	var admitted, refused atomic.Int64
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for i := range each {
				yes, err := reserve(t, replicas[(c+i)%len(replicas)], ledger.Name, askFor("a", fmt.Sprintf("r-%d-%d", c, i), 1))
				switch {
				case err != nil:
					t.Errorf("client %d, request %d: %v", c, i, err)
				case yes:
					admitted.Add(1)
				default:
					refused.Add(1)
				}
			}
		})
	}
	group.Wait()
	if admitted.Load() != limit || refused.Load() != clients*each-limit {
		t.Errorf("%d admitted, %d refused", admitted.Load(), refused.Load())
	}
	awaitLedger(t, ledger.Name, "the ledger is full", func(l *v1alpha1.QuotaLedger) bool { return l.Status.Reserved == limit*int64(quota.One) })
	t.Logf("%d reservations in %d writes", limit, versions.Load())
}

// TestUnitsThatComeBackAreReservedAgain lets clients take and give back while the
// ledger is full most of the time.
func TestUnitsThatComeBackAreReservedAgain(t *testing.T) {
	const clients, each, limit = 8, 15, 4
	ledger := countedLedger(t, limit)
	watchOver(t, ledger, limit)
	replicas := []*quota.Reserver{newReserver(t, plane.Config()), newReserver(t, plane.Config())}
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for i := range each {
				id := fmt.Sprintf("r-%d-%d", c, i)
				for {
					yes, err := reserve(t, replicas[c%len(replicas)], ledger.Name, askFor("a", id, 1))
					if err != nil {
						t.Error(err)
						return
					}
					if yes {
						break
					}
				}
				free(t, ledger.Name, id)
			}
		})
	}
	group.Wait()
	awaitLedger(t, ledger.Name, "nothing is reserved at the end", counts(0, 0))
}

// free drops a reservation as the settler does: by compare-and-swap.
func free(t *testing.T, name, id string) {
	t.Helper()
	for {
		ledger, err := ledgerNow(t.Context(), name)
		if err != nil {
			t.Error(err)
			return
		}
		s := &ledger.Status
		var left []v1alpha1.LedgerEntry
		for _, e := range s.Reservations {
			if e.Reservation != id {
				left = append(left, e)
			}
		}
		s.Reserved -= s.Reservations[0].MicroUnits
		s.Reservations, s.Version, s.Over = left, quota.NewID(), s.Version
		if admin.Status().Update(t.Context(), ledger) == nil {
			return
		}
	}
}

func TestAReplicaThatIsKilledLeavesTheOthersGoing(t *testing.T) {
	const limit = 32
	ledger := countedLedger(t, limit)
	watchOver(t, ledger, limit)
	line := newLine(t, plane.Config())
	doomed, other := newReserver(t, line.config), newReserver(t, plane.Config())
	var admitted, lost atomic.Int64
	var group sync.WaitGroup
	for i := range 200 {
		r := doomed
		if i%2 == 0 {
			r = other
		}
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			var yes bool
			switch err := r.Reserve(ctx, ledger.Name, askFor("a", fmt.Sprint("r-", i), 1), shipped(&yes)); {
			case err != nil && r == other:
				t.Error(err)
			case err != nil:
				lost.Add(1)
			case yes:
				admitted.Add(1)
			}
		})
	}
	line.cut()
	group.Wait()
	got, err := ledgerNow(t.Context(), ledger.Name)
	if err != nil {
		t.Fatal(err)
	}
	// What the killed one wrote last, and could not tell, is reserved until it lapses.
	if kept := int64(len(got.Status.Reservations)); admitted.Load() > kept || kept > limit {
		t.Errorf("%d admitted, %d reserved, %d requests lost with their replica", admitted.Load(), kept, lost.Load())
	}
}

func TestAnAnswerThatIsLostIsFoundOut(t *testing.T) {
	ledger := countedLedger(t, 8)
	line := newLine(t, plane.Config())
	r := newReserver(t, line.config)
	for i := range 8 {
		// Every write reaches the API server, and the connection breaks before
		// the answer.
		line.loseNextAnswer("PUT")
		yes, err := reserve(t, r, ledger.Name, askFor("a", fmt.Sprint("r-", i), 1))
		if err != nil || !yes {
			t.Fatalf("request %d: %v, %v", i, yes, err)
		}
	}
	if line.lost() != 8 {
		t.Fatalf("%d answers were lost, want 8", line.lost())
	}
	awaitLedger(t, ledger.Name, "each is reserved once", func(l *v1alpha1.QuotaLedger) bool {
		return len(l.Status.Reservations) == 8 && l.Status.Reserved == 8*int64(quota.One)
	})
}

func TestBeforeTheLedgerIsCountedNothingIsReserved(t *testing.T) {
	r := newReserver(t, plane.Config())
	if _, err := reserve(t, r, nameOf(t), askFor("a", "r", 1)); !errors.Is(err, quota.ErrNotCounted) {
		t.Errorf("without a ledger: %v", err)
	}
	if document, err := r.Document(t.Context(), nameOf(t), askFor("a", "r", 1)); document != nil || err != nil {
		t.Errorf("without a ledger, input.quota is %v, %v", document, err)
	}
	create(t, &v1alpha1.QuotaLedger{ObjectMeta: metav1.ObjectMeta{Name: nameOf(t)}})
	if _, err := reserve(t, r, nameOf(t), askFor("a", "r", 1)); !errors.Is(err, quota.ErrNotCounted) {
		t.Errorf("with one that is not counted: %v", err)
	}
}
