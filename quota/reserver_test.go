package quota

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usher.dev/usher/api/v1alpha1"
)

// byTheRule decides as the shipped rule does, and keeps the last answer.
func byTheRule(yes *bool) func(context.Context, map[string]any) bool {
	return func(_ context.Context, quota map[string]any) bool {
		*yes = fits(quota)
		return *yes
	}
}

func askFor(id string, units int64) Ask { return Ask{Entry: reservation(id, units*int64(One))} }

// within is a request's time.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// settled waits until no scribe is left.
func settled(t *testing.T, r *Reserver) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		r.mu.Lock()
		left := len(r.scribes)
		r.mu.Unlock()
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d scribes are still there", left)
		}
	}
}

// ids are the reservations of a ledger, in order.
func ids(status v1alpha1.QuotaLedgerStatus) []string {
	var out []string
	for _, e := range status.Reservations {
		out = append(out, e.Reservation)
	}
	return out
}

func TestNoBurstOvershoots(t *testing.T) {
	const clients, limit = 300, 64
	server := newLedgerServer(t, ledgerOf(limit))
	replicas := []*Reserver{server.reserver(t), server.reserver(t), server.reserver(t)}
	var yes, no atomic.Int64
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			var ok bool
			if err := replicas[i%len(replicas)].Reserve(within(t, time.Minute), "t", askFor(fmt.Sprint("r", i), 1), byTheRule(&ok)); err != nil {
				t.Error(err)
			}
			if ok {
				yes.Add(1)
			} else {
				no.Add(1)
			}
		})
	}
	group.Wait()
	if yes.Load() != limit || no.Load() != clients-limit {
		t.Errorf("%d were admitted and %d refused, of %d with a limit of %d", yes.Load(), no.Load(), clients, limit)
	}
	if status := server.status(); status.Reserved != limit*int64(One) || len(status.Reservations) != limit {
		t.Errorf("the ledger says %d, in %d reservations", status.Reserved, len(status.Reservations))
	}
	if _, puts := server.calls(); puts >= limit {
		t.Errorf("%d reservations took %d writes", limit, puts)
	}
}

func TestARefusalIsSaidOfAStateThatIsNewerThanTheRequest(t *testing.T) {
	server := newLedgerServer(t, ledgerOf(1))
	r := server.reserver(t)
	var first, second bool
	if err := r.Reserve(within(t, time.Minute), "t", askFor("a", 1), byTheRule(&first)); err != nil || !first {
		t.Fatalf("first: %v, %v", first, err)
	}
	settled(t, r)
	// A scribe that is still busy knows the full ledger; since then, the units
	// have become free.
	s := &scribe{tenant: "t", reserver: r, readAt: time.Now()}
	s.known = &v1alpha1.QuotaLedger{ObjectMeta: server.stored["t"].ObjectMeta, Spec: server.stored["t"].Spec, Status: server.status()}
	server.change(func(s *v1alpha1.QuotaLedgerStatus) { s.Reservations, s.Reserved = nil, 0 })
	w := &waiter{ctx: within(t, time.Minute), ask: askFor("b", 1), decide: byTheRule(&second), arrived: time.Now(), done: make(chan answer, 1)}
	s.serve([]*waiter{w})
	if a := <-w.done; a.err != nil || !second {
		t.Errorf("second: %v, %v", second, a.err)
	}
}

func TestWhatTakesLongToDecideIsWrittenInParts(t *testing.T) {
	const waiting = 4
	server := newLedgerServer(t, ledgerOf(waiting))
	s := &scribe{tenant: "t", reserver: server.reserver(t)}
	var batch []*waiter
	for i := range waiting {
		slow := func(context.Context, map[string]any) bool {
			time.Sleep(decideFor + time.Millisecond)
			return true
		}
		batch = append(batch, &waiter{ctx: within(t, time.Minute), ask: askFor(fmt.Sprint("r", i), 1), decide: slow, arrived: time.Now(), done: make(chan answer, 1)})
	}
	s.serve(slices.Clone(batch))
	for i, w := range batch {
		if a := <-w.done; a.outcome != reserved || a.err != nil {
			t.Errorf("request %d: %+v", i, a)
		}
	}
	if _, puts := server.calls(); puts != waiting {
		t.Errorf("%d writes, want one for each of %d", puts, waiting)
	}
	if diff := cmp.Diff([]string{"r0", "r1", "r2", "r3"}, ids(server.status())); diff != "" {
		t.Errorf("reservations (-want +got):\n%s", diff)
	}
}

func TestReserve(t *testing.T) {
	held := holder("held", int64(One))
	uncounted := ledgerOf(4)
	uncounted.Status.Counted = nil
	type result struct {
		Yes  bool
		Err  string
		IDs  []string
		Gets int
		Puts int
	}
	for _, test := range []struct {
		name   string
		ledger *v1alpha1.QuotaLedger
		before []string // reserved earlier
		tenant string
		ask    Ask
		faults map[string][]fault // by method, in order
		want   result
	}{
		{name: "what fits is reserved", ask: askFor("a", 2), want: result{Yes: true, IDs: []string{"a"}, Gets: 1, Puts: 1}},
		{name: "what does not fit is not written", ask: askFor("a", 5), want: result{Gets: 1}},
		{name: "a tenant without a ledger must wait", tenant: "other", ask: askFor("a", 1), want: result{Err: ErrNotCounted.Error()}},
		{name: "a ledger that is not counted lets nobody reserve", ledger: uncounted, ask: askFor("a", 1), want: result{Err: ErrNotCounted.Error(), Gets: 1}},
		{name: "a repeated reservation replaces itself", before: []string{"a", "b"}, ask: askFor("a", 3), want: result{Yes: true, IDs: []string{"b", "a"}, Gets: 3, Puts: 3}},
		{name: "a reservation that a holder bears is refused", ledger: ledgerOf(4, held), ask: askFor("held", 1), want: result{Err: ErrSpent.Error(), Gets: 1}},
		{name: "a write whose answer was lost was made", ask: askFor("a", 1), faults: map[string][]fault{"PUT": {cutAfter}}, want: result{Yes: true, IDs: []string{"a"}, Gets: 2, Puts: 1}},
		{name: "a write that was lost is made again", ask: askFor("a", 1), faults: map[string][]fault{"PUT": {cutBefore, overload}}, want: result{Yes: true, IDs: []string{"a"}, Gets: 3, Puts: 1}},
		{name: "a read that fails is tried again", ask: askFor("a", 1), faults: map[string][]fault{"GET": {cutBefore, overload}}, want: result{Yes: true, IDs: []string{"a"}, Gets: 1, Puts: 1}},
		{name: "a write that is refused is an error", ask: askFor("a", 1), faults: map[string][]fault{"PUT": {refuse}}, want: result{Yes: true, Err: `write QuotaLedger "t": Forbidden`, Gets: 1}},
		{name: "a read that is refused is an error", ask: askFor("a", 1), faults: map[string][]fault{"GET": {refuse}}, want: result{Err: `read QuotaLedger "t": Forbidden`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.ledger == nil {
				test.ledger = ledgerOf(4)
			}
			if test.tenant == "" {
				test.tenant = "t"
			}
			server := newLedgerServer(t, test.ledger)
			r := server.reserver(t)
			for _, id := range test.before {
				var yes bool
				if err := r.Reserve(within(t, time.Minute), "t", askFor(id, 1), byTheRule(&yes)); err != nil {
					t.Fatal(err)
				}
				settled(t, r)
			}
			var mu sync.Mutex
			server.before = func(req *http.Request) fault {
				mu.Lock()
				defer mu.Unlock()
				left := test.faults[req.Method]
				if len(left) == 0 {
					return none
				}
				test.faults[req.Method] = left[1:]
				return left[0]
			}
			var got result
			if err := r.Reserve(within(t, time.Minute), test.tenant, test.ask, byTheRule(&got.Yes)); err != nil {
				got.Err = err.Error()
			}
			settled(t, r)
			got.IDs = ids(server.status())
			got.Gets, got.Puts = server.calls()
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestADecisionThatPanicsHurtsOnlyItself(t *testing.T) {
	server := newLedgerServer(t, ledgerOf(4))
	r := server.reserver(t)
	var group sync.WaitGroup
	for i := range 10 {
		group.Go(func() {
			err := r.Reserve(within(t, time.Minute), "t", askFor(fmt.Sprint("r", i), 0), func(context.Context, map[string]any) bool {
				if i%2 == 1 {
					panic("a rule of no use")
				}
				return true
			})
			if panicked := errors.Is(err, errPanic); panicked != (i%2 == 1) || err != nil && !strings.Contains(err.Error(), "a rule of no use") {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if got := len(server.status().Reservations); got != 5 {
		t.Errorf("%d reservations, want 5", got)
	}
}

func TestARequestThatLeavesTakesNothing(t *testing.T) {
	server := newLedgerServer(t, ledgerOf(1))
	r := server.reserver(t)
	// Both wait for the same read. The first is decided, and leaves.
	release := make(chan struct{})
	server.before = func(*http.Request) fault {
		<-release
		return none
	}
	ctx, leave := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		err := r.Reserve(ctx, "t", askFor("a", 1), func(context.Context, map[string]any) bool {
			leave()
			return true
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the one that left got %v", err)
		}
	})
	waiting := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		if s := r.scribes["t"]; s != nil {
			return len(s.waiting)
		}
		return -1
	}
	for waiting() != 0 {
		time.Sleep(time.Millisecond)
	}
	var yes bool
	group.Go(func() {
		if err := r.Reserve(within(t, time.Minute), "t", askFor("b", 1), byTheRule(&yes)); err != nil {
			t.Error(err)
		}
	})
	for waiting() != 1 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	group.Wait()
	settled(t, r)
	if diff := cmp.Diff([]string{"b"}, ids(server.status())); diff != "" || !yes {
		t.Errorf("b was admitted: %v; reservations (-want +got):\n%s", yes, diff)
	}
}

func TestATimeThatIsUpIsAnError(t *testing.T) {
	server := newLedgerServer(t, ledgerOf(1))
	r := server.reserver(t)
	server.before = func(*http.Request) fault { return overload }
	var yes bool
	err := r.Reserve(within(t, 50*time.Millisecond), "t", askFor("a", 1), byTheRule(&yes))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	settled(t, r)
}

func TestTheQueueIsBounded(t *testing.T) {
	server := newLedgerServer(t, ledgerOf(1))
	r := server.reserver(t)
	release := make(chan struct{})
	server.before = func(*http.Request) fault {
		<-release
		return none
	}
	var busy atomic.Int64
	var group sync.WaitGroup
	const more = 10
	for i := range maxWaiting + maxBatch + more {
		group.Go(func() {
			var yes bool
			err := r.Reserve(within(t, time.Minute), "t", askFor(fmt.Sprint("r", i), 1), byTheRule(&yes))
			if errors.Is(err, errBusy) {
				busy.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	// At least those that neither the queue nor a batch holds are sent away.
	for busy.Load() < more {
		time.Sleep(time.Millisecond)
	}
	close(release)
	group.Wait()
	settled(t, r)
}

func TestNoGoroutineStays(t *testing.T) {
	server := newLedgerServer(t, ledgerOf(1000))
	r := server.reserver(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Start(ctx) }()
	for r.Current() != nil {
		time.Sleep(time.Millisecond)
	}
	before := runtime.NumGoroutine()
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			var yes bool
			if err := r.Reserve(within(t, time.Minute), "t", askFor(fmt.Sprint("r", i), 1), byTheRule(&yes)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	settled(t, r)
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	// A server that drains still answers.
	var yes bool
	if err := r.Reserve(within(t, time.Minute), "t", askFor("late", 1), byTheRule(&yes)); err != nil || !yes {
		t.Errorf("after the end: %v, %v", yes, err)
	}
}

func TestReadiness(t *testing.T) {
	server := newLedgerServer(t)
	var down atomic.Bool
	down.Store(true)
	server.before = func(*http.Request) fault {
		if down.Load() {
			return overload
		}
		return none
	}
	r := server.reserver(t)
	if err := r.Current(); err == nil {
		t.Error("it is ready before it was started")
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Start(ctx) }()
	for !strings.Contains(fmt.Sprint(r.Current()), "read QuotaLedgers") {
		time.Sleep(time.Millisecond)
	}
	down.Store(false)
	for r.Current() != nil {
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
