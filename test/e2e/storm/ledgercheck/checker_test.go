package ledgercheck_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/storm/ledgercheck"
)

const gpu = "nvidia.com/gpu"

// pod holds one GPU by the reservation of its name.
func pod(name string) ledgercheck.Holding {
	return ledgercheck.Holding{
		UID: types.UID("uid-" + name), Kind: v1alpha1.KindPod, Namespace: "ns", Name: name, Reservation: "r-" + name,
		MicroUnits: 1_000_000, Resources: map[string]int64{gpu: 1},
	}
}

func reservation(name string) v1alpha1.LedgerEntry {
	p := pod(name)
	return v1alpha1.LedgerEntry{
		Reservation: p.Reservation, Kind: p.Kind, Namespace: p.Namespace, Name: p.Name,
		MicroUnits: p.MicroUnits, Resources: p.Resources,
	}
}

func holder(name string) v1alpha1.LedgerEntry {
	e := reservation(name)
	e.UID = pod(name).UID
	return e
}

func entries(of func(string) v1alpha1.LedgerEntry, names ...string) []v1alpha1.LedgerEntry {
	var out []v1alpha1.LedgerEntry
	for _, name := range names {
		out = append(out, of(name))
	}
	return out
}

// book writes one version of a ledger after the other, each over the one before,
// with sums that are right and a limit of two GPUs.
type book struct {
	*ledgercheck.Checker
	revision int64
	status   v1alpha1.QuotaLedgerStatus
	hard     v1alpha1.QuotaHard
}

func newBook() *book {
	limit := int64(2_000_000)
	return &book{Checker: ledgercheck.New(), hard: v1alpha1.QuotaHard{MicroUnits: &limit}}
}

func (b *book) next() int64 { b.revision++; return b.revision }

// write writes a version; change, if any, spoils it.
func (b *book) write(holders, reservations []string, change ...func(*v1alpha1.QuotaLedger)) {
	now := metav1.Now()
	n := int64(1_000_000)
	b.status = v1alpha1.QuotaLedgerStatus{
		Version: fmt.Sprint("v", b.revision+1), Over: b.status.Version, Counted: &now,
		Used: n * int64(len(holders)), Reserved: n * int64(len(reservations)),
		Holders: entries(holder, holders...), Reservations: entries(reservation, reservations...),
	}
	ledger := &v1alpha1.QuotaLedger{ObjectMeta: metav1.ObjectMeta{Name: "t", UID: "ledger"}, Spec: v1alpha1.QuotaLedgerSpec{Hard: b.hard}, Status: b.status}
	for _, change := range change {
		change(ledger)
	}
	b.status = ledger.Status
	b.Ledger(b.next(), ledger)
}

func (b *book) create(h ledgercheck.Holding) { b.Holds(b.next(), h) }
func (b *book) remove(name string)           { b.Gone(b.next(), pod(name).UID) }

func list(names ...string) []string { return names }

// rules are the promises that were broken, each once, in order.
func rules(c *ledgercheck.Checker) []ledgercheck.Rule {
	var out []ledgercheck.Rule
	for _, v := range c.Violations() {
		if !slices.Contains(out, v.Rule) {
			out = append(out, v.Rule)
		}
	}
	return out
}

func TestWhatIsBrokenIsFound(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(*book)
		want []ledgercheck.Rule
	}{
		{"a life of reservation, pod, holder and end", func(b *book) {
			b.write(nil, nil)
			b.write(nil, list("a", "b"))
			b.create(pod("a"))
			b.write(list("a"), list("b"))
			b.create(pod("b"))
			b.write(list("a", "b"), nil)
			b.remove("a")
			b.write(list("b"), nil)
			b.AtRest()
		}, nil},
		{"a reservation that came to nothing", func(b *book) {
			b.write(nil, list("a"))
			b.write(nil, nil)
			b.AtRest()
		}, nil},
		{"another status under the same version", func(b *book) {
			b.write(nil, list("a"))
			b.write(nil, nil, func(l *v1alpha1.QuotaLedger) { l.Status.Version = "v1" })
		}, broken(ledgercheck.Chain)},
		{"a version that was never there", func(b *book) {
			b.write(nil, list("a"))
			b.write(nil, list("a", "b"), func(l *v1alpha1.QuotaLedger) { l.Status.Over = "v0" })
		}, broken(ledgercheck.Chain)},
		{"a ledger that does not begin at its beginning", func(b *book) {
			b.write(nil, nil, func(l *v1alpha1.QuotaLedger) { l.Status.Over = "earlier" })
		}, broken(ledgercheck.Chain)},
		{"a ledger that was there before", func(b *book) {
			b.status.Version = "earlier"
			b.write(list("a"), nil)
			late := ledgercheck.New()
			late.Begin(b.next(), b.Current())
			b.Checker = late
			b.create(pod("a"))
			b.write(list("a"), list("b"))
		}, nil},
		{"a limit that changes without the status", func(b *book) {
			b.write(nil, list("a", "b"))
			lower := int64(1_000_000)
			b.Ledger(b.next(), &v1alpha1.QuotaLedger{
				ObjectMeta: metav1.ObjectMeta{Name: "t", UID: "ledger"},
				Spec:       v1alpha1.QuotaLedgerSpec{Hard: v1alpha1.QuotaHard{MicroUnits: &lower}}, Status: b.status,
			})
		}, nil},
		{"used that is not the sum", func(b *book) {
			b.write(list("a"), nil, func(l *v1alpha1.QuotaLedger) { l.Status.Used-- })
		}, broken(ledgercheck.Sums)},
		{"reserved that is not the sum", func(b *book) {
			b.write(nil, list("a"), func(l *v1alpha1.QuotaLedger) { l.Status.Reserved = 0 })
		}, broken(ledgercheck.Sums)},
		{"a holder twice", func(b *book) { b.write(list("a", "a"), nil) }, broken(ledgercheck.Unique)},
		{"a reservation twice", func(b *book) { b.write(nil, list("a", "a")) }, broken(ledgercheck.Unique)},
		{"a holder that is reserved for as well", func(b *book) { b.write(list("a"), list("a")) }, broken(ledgercheck.Unique)},
		{"one reservation too many", func(b *book) {
			b.write(list("a"), list("b"))
			b.write(list("a"), list("b", "c"))
		}, broken(ledgercheck.Limit)},
		{"too many in one namespace", func(b *book) {
			one := int64(1_000_000)
			b.hard.NamespaceMicroUnits = &one
			b.write(list("a"), nil)
			b.write(list("a"), list("b"))
		}, broken(ledgercheck.Limit)},
		{"too many of one resource", func(b *book) {
			b.hard.Resources = map[string]int64{gpu: 1}
			b.write(list("a"), list("b"))
		}, broken(ledgercheck.Limit)},
		{"as many as before above a lower limit", func(b *book) {
			b.write(list("a", "b"), nil)
			lower := int64(1_000_000)
			b.hard.MicroUnits = &lower
			b.write(list("a", "b"), nil)
			b.write(list("a"), nil)
		}, nil},
		{"more above a lower limit", func(b *book) {
			b.write(list("a"), nil)
			lower := int64(1_000_000)
			b.hard.MicroUnits = &lower
			b.write(list("a", "b"), nil)
		}, broken(ledgercheck.Limit)},
		{"a pod without an entry", func(b *book) {
			b.write(nil, nil)
			b.create(pod("a"))
		}, broken(ledgercheck.Covered)},
		{"a pod before there is a ledger", func(b *book) { b.create(pod("a")) }, broken(ledgercheck.Covered)},
		{"a pod whose reservation was dropped too early", func(b *book) {
			b.write(nil, list("a"))
			b.write(nil, nil)
			b.create(pod("a"))
		}, broken(ledgercheck.Covered)},
		{"a pod that is freed before it is gone", func(b *book) {
			b.write(nil, list("a"))
			b.create(pod("a"))
			b.write(list("a"), nil)
			b.write(nil, nil)
			b.remove("a")
		}, broken(ledgercheck.Covered)},
		{"an entry that counts too few units", func(b *book) {
			b.write(nil, list("a"), func(l *v1alpha1.QuotaLedger) {
				l.Status.Reservations[0].MicroUnits, l.Status.Reserved = 999_999, 999_999
			})
			b.create(pod("a"))
		}, broken(ledgercheck.Covered)},
		{"an entry that counts too few devices", func(b *book) {
			b.write(nil, list("a"), func(l *v1alpha1.QuotaLedger) { l.Status.Reservations[0].Resources = nil })
			b.create(pod("a"))
		}, broken(ledgercheck.Covered)},
		{"two pods on one reservation", func(b *book) {
			b.write(nil, list("a"))
			b.create(pod("a"))
			twin := pod("b")
			twin.Reservation = "r-a"
			b.create(twin)
		}, broken(ledgercheck.Covered)},
		{"two pods on one reservation, one of which is a holder", func(b *book) {
			b.write(list("a"), nil)
			b.create(pod("a"))
			twin := pod("b")
			twin.Reservation = "r-a"
			b.create(twin)
		}, broken(ledgercheck.Covered)},
		{"a reservation of a pod of that label in another namespace", func(b *book) {
			b.write(nil, list("a"))
			other := pod("a")
			other.Namespace = "elsewhere"
			b.create(other)
		}, broken(ledgercheck.Covered)},
		{"a ledger that is lost and counted anew", func(b *book) {
			b.write(nil, list("a"))
			b.Ledger(b.next(), nil)
			b.create(pod("a"))
			b.status = v1alpha1.QuotaLedgerStatus{}
			b.write(nil, nil, func(l *v1alpha1.QuotaLedger) { l.UID, l.Status = "new", v1alpha1.QuotaLedgerStatus{} })
			b.status = v1alpha1.QuotaLedgerStatus{}
			b.write(list("a"), nil, func(l *v1alpha1.QuotaLedger) { l.UID = "new" })
			b.AtRest()
		}, nil},
		{"a ledger that is lost and counted without a pod that lives", func(b *book) {
			b.write(nil, list("a"))
			b.create(pod("a"))
			b.Ledger(b.next(), nil)
			b.status = v1alpha1.QuotaLedgerStatus{}
			b.write(nil, nil, func(l *v1alpha1.QuotaLedger) { l.UID = "new" })
		}, broken(ledgercheck.Covered)},
		{"a holder that is gone", func(b *book) {
			b.write(list("a"), nil)
			b.AtRest()
		}, broken(ledgercheck.Rest)},
		{"a reservation that is left over", func(b *book) {
			b.write(nil, list("a"))
			b.AtRest()
		}, broken(ledgercheck.Rest)},
		{"a pod that is still only reserved for", func(b *book) {
			b.write(nil, list("a"))
			b.create(pod("a"))
			b.AtRest()
		}, broken(ledgercheck.Rest)},
		{"a holder that is counted a millionth too much", func(b *book) {
			b.write(list("a"), nil, func(l *v1alpha1.QuotaLedger) {
				l.Status.Holders[0].MicroUnits++
				l.Status.Used++
			})
			b.create(pod("a"))
			b.AtRest()
		}, broken(ledgercheck.Rest)},
		{"a ledger that counts no more", func(b *book) {
			b.write(nil, nil, func(l *v1alpha1.QuotaLedger) { l.Status.Counted = nil })
			b.AtRest()
		}, broken(ledgercheck.Rest)},
		{"no ledger at all", func(b *book) { b.AtRest() }, broken(ledgercheck.Rest)},
		{"revisions that go back", func(b *book) {
			b.write(nil, nil)
			b.write(nil, nil)
			b.revision = 0
			b.create(pod("a"))
		}, []ledgercheck.Rule{ledgercheck.Order, ledgercheck.Covered}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBook()
			test.do(b)
			if diff := cmp.Diff(test.want, rules(b.Checker)); diff != "" {
				t.Errorf("rules that were broken (-want +got):\n%s%v", diff, b.Violations())
			}
		})
	}
}

func broken(rules ...ledgercheck.Rule) []ledgercheck.Rule { return rules }

func TestARefusalIsJustIfThereWasNoRoomAtSomeTime(t *testing.T) {
	b := newBook()
	b.write(nil, list("a"))                                                                       // 1: room for one
	b.write(nil, list("a", "b"))                                                                  // 2: full
	b.write(nil, list("a"))                                                                       // 3: room again
	b.write(nil, list("a"), func(l *v1alpha1.QuotaLedger) { l.Spec.Hard = v1alpha1.QuotaHard{} }) // 4: no limit
	for _, test := range []struct {
		name     string
		from, to int64
		units    int64
		just     bool
	}{
		{"while it was full", 2, 2, 1, true},
		{"when it was full at the beginning", 2, 4, 1, true},
		{"when it was full in between", 1, 4, 1, true},
		{"when it was full at the end", 1, 2, 1, true},
		{"before it was full", 1, 1, 1, false},
		{"after it was full", 3, 4, 1, false},
		{"of more than there was room for", 3, 3, 1_000_001, true},
		{"of as much as there was room for", 3, 3, 1_000_000, false},
		{"without a limit", 4, 9, 5_000_000, false},
		{"of nothing", 2, 2, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(b.Violations())
			b.Refused(ledgercheck.Refusal{From: test.from, To: test.to, Ask: ledgercheck.Holding{Namespace: "ns", MicroUnits: test.units}})
			if just := len(b.Violations()) == before; just != test.just {
				t.Errorf("just: %t", just)
			}
		})
	}
}

func TestFiguresSayHowMuchWasChecked(t *testing.T) {
	b := newBook()
	b.write(nil, list("a", "b"))
	b.create(pod("a"))
	b.create(pod("a"))
	b.write(list("a"), nil)
	b.Ledger(b.next(), b.Current().DeepCopy())
	want := ledgercheck.Figures{Versions: 3, Writes: 2, Objects: 1, Changes: 2, Peak: 2_000_000, LivePeak: 1_000_000}
	if diff := cmp.Diff(want, b.Figures()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
