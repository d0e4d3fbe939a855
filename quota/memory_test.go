package quota

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
)

const ttl = time.Minute

func TestReservationsLapseByTheTimeThatTheyWereKnown(t *testing.T) {
	start := time.Now()
	a, b := reservation("a", 1), reservation("b", 1)
	again := a
	expires := metav1.NewTime(start.Add(time.Hour))
	again.Expires = &expires
	known := ages{}
	for _, step := range []struct {
		name   string
		after  time.Duration
		there  []v1alpha1.LedgerEntry
		lapsed map[token]bool
		next   time.Duration // of the start; 0: none
	}{
		{"the first is new", 0, []v1alpha1.LedgerEntry{a}, nil, ttl},
		{"the second is newer", 40 * time.Second, []v1alpha1.LedgerEntry{a, b}, nil, ttl},
		{"the first has been there for a TTL", ttl, []v1alpha1.LedgerEntry{a, b}, map[token]bool{tokenOf(&a): true}, 100 * time.Second},
		{"the first was written again", 70 * time.Second, []v1alpha1.LedgerEntry{again, b}, nil, 100 * time.Second},
		{"the second was gone for a while", 80 * time.Second, []v1alpha1.LedgerEntry{again}, nil, 130 * time.Second},
		{"and is new again", 110 * time.Second, []v1alpha1.LedgerEntry{again, b}, nil, 130 * time.Second},
		{"both have lapsed", 200 * time.Second, []v1alpha1.LedgerEntry{again, b}, map[token]bool{tokenOf(&a): true, tokenOf(&b): true}, 0},
	} {
		lapsed, next := known.note(step.there, start.Add(step.after), ttl)
		want := time.Time{}
		if step.next != 0 {
			want = start.Add(step.next)
		}
		if diff := cmp.Diff(step.lapsed, lapsed); diff != "" && len(step.lapsed)+len(lapsed) > 0 || !next.Equal(want) {
			t.Errorf("%s: next %v, want %v; lapsed (-want +got):\n%s", step.name, next, want, diff)
		}
	}
}

func TestALostLedgerRests(t *testing.T) {
	start := time.Now()
	var m memory
	rest := func(uid types.UID, after time.Duration) time.Duration { return m.rest(uid, start.Add(after), ttl) }
	for _, step := range []struct {
		name string
		got  time.Duration
		want time.Duration
	}{
		{"a ledger that is not counted rests", rest("one", 0), ttl},
		{"for a TTL", rest("one", 20*time.Second), 40 * time.Second},
		{"another one from its beginning", rest("two", 30*time.Second), ttl},
		{"until it is over", rest("two", 2*ttl), 0},
	} {
		if step.got != step.want {
			t.Errorf("%s: %v, want %v", step.name, step.got, step.want)
		}
	}
	m = memory{born: true}
	if got := rest("one", 0); got != 0 {
		t.Errorf("a new tenant's ledger rests %v", got)
	}
	m.counted = start
	if got := rest("one", 10*time.Second); got != ttl {
		t.Errorf("the ledger of a tenant that was made again under the same name rests %v", got)
	}
}

func TestDepartures(t *testing.T) {
	start := time.Now()
	a, b := holder("a", 1), holder("b", 1)
	d := newDepartures(ttl)
	d.note(&a, start)
	status := statusOf([]v1alpha1.LedgerEntry{a, b}, []v1alpha1.LedgerEntry{reservation("a", 1), reservation("b", 1)})
	check := func(name string, want ...string) {
		t.Helper()
		gone, spent := d.of(status, []v1alpha1.LedgerEntry{a, b})
		wantGone, wantSpent := map[types.UID]bool{}, map[token]bool{}
		for _, id := range want {
			e := holder(id, 1)
			wantGone[e.UID], wantSpent[tokenOf(&e)] = true, true
		}
		if diff := cmp.Diff(wantGone, gone) + cmp.Diff(wantSpent, spent, cmp.AllowUnexported(token{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	check("what has gone is gone", "a")
	d.note(&b, start.Add(2*ttl))
	check("after a while it is forgotten", "b")
	d.forget(b.UID)
	if gone, _ := d.of(status, nil); gone[b.UID] {
		t.Error("what is there after all is gone")
	}
}

func TestAnOlderStateOfALedgerIsTold(t *testing.T) {
	m := &memory{}
	m.newest.uid, m.newest.version = "u", "10"
	for _, test := range []struct {
		name, uid, version string
		older              bool
	}{
		{"an earlier version", "u", "9", true},
		{"the same", "u", "10", false},
		{"a later one", "u", "11", false},
		{"another ledger of that name", "v", "9", false},
		{"a version that is none", "u", "x", false},
	} {
		ledger := &v1alpha1.QuotaLedger{ObjectMeta: metav1.ObjectMeta{UID: types.UID(test.uid), ResourceVersion: test.version}}
		if got := m.older(ledger); got != test.older {
			t.Errorf("%s: older: %t", test.name, got)
		}
	}
}
