package quota

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"usher.dev/usher/internal/tracing"
)

// DefaultTTL is how long a reservation stays for a pod that does not come. The
// API server gives a create request 34 seconds in all (requestTimeoutUpperBound
// of k8s.io/apiserver), and etcd a write that it has accepted 7 more (5, and two
// election timeouts); the rest is for an API server that is slow to see that its
// time is up.
const DefaultTTL = 70 * time.Second

// maxWaiting is how many requests of one tenant may wait in one replica: at ten
// writes a second of a batch each, more than that would not be answered in time.
const maxWaiting = 2048

// probeEvery is between two attempts to read ledgers for the first time.
const probeEvery = time.Second

// errBusy says that a request would only wait in vain.
var errBusy = fmt.Errorf("%d requests wait for this tenant's ledger already; try again later", maxWaiting)

// Reserver writes reservations into ledgers. It keeps no watch: a request that is
// decided on what a watch brought would mostly be decided again, since another
// replica or the settler has written meanwhile, and ledgers are too large to be
// kept in every replica for the few that are asked for.
type Reserver struct {
	store   *store
	log     logr.Logger
	metrics *reserverMetrics
	probed  atomic.Pointer[error]

	mu      sync.Mutex
	scribes map[string]*scribe // of the tenants that are busy
}

// errUnread is what Current says before anything was read.
var errUnread = errors.New("ledgers have not been read yet")

// NewReserver prepares the connection; Start uses it.
func NewReserver(cfg *rest.Config, log logr.Logger) (*Reserver, error) {
	store, err := newStore(cfg, "usher-webhook")
	if err != nil {
		return nil, err
	}
	r := &Reserver{store: store, log: log, metrics: newReserverMetrics(), scribes: map[string]*scribe{}}
	r.probed.Store(&errUnread)
	return r, nil
}

// Start makes sure that ledgers can be read and returns when the context ends.
// Requests that come later, while a server drains, are still answered.
func (r *Reserver) Start(ctx context.Context) error {
	for {
		_, err := r.store.version(ctx)
		r.probed.Store(&err)
		if err == nil {
			<-ctx.Done()
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(probeEvery):
			r.log.Error(err, "cannot reserve yet")
		}
	}
}

// Current says why ledgers cannot be read, nil once they could.
func (r *Reserver) Current() error { return *r.probed.Load() }

// Collectors returns the metrics.
func (r *Reserver) Collectors() []prometheus.Collector { return r.metrics.collectors() }

// Document returns input.quota for what is asked of a tenant's ledger as it is
// now; nil if the tenant has none. Nothing is reserved.
func (r *Reserver) Document(ctx context.Context, tenant string, ask Ask) (map[string]any, error) {
	ledger, err := r.store.get(ctx, tenant)
	if err != nil || ledger == nil {
		return nil, err
	}
	if ledger.Status.Counted == nil {
		return nil, ErrNotCounted
	}
	return Document(ledger, ask), nil
}

// Reserve asks decide, on the ledger's state, whether the entry may be added, and
// adds it if so. It may ask several times, in a goroutine of its own; what decide
// said last is the answer, and the error is nil when that was no. After an error,
// nothing is known of the answer, and it must not be looked at: decide may still
// be running. An entry may have been added nonetheless; it lapses.
func (r *Reserver) Reserve(ctx context.Context, tenant string, ask Ask, decide func(ctx context.Context, quota map[string]any) bool) error {
	ctx, span := tracing.Start(ctx, "reserve")
	defer span.End()
	now := time.Now()
	expires := metav1.NewTime(now.Add(DefaultTTL))
	ask.Entry.Expires = &expires
	w := &waiter{ctx: ctx, ask: ask, decide: decide, arrived: now, done: make(chan answer, 1)}
	if err := r.join(tenant, w); err != nil {
		span.Fail("too many wait")
		r.metrics.count(tenant, answer{outcome: failed}, now)
		return err
	}
	var a answer
	select {
	case a = <-w.done:
	case <-ctx.Done():
		a = answer{late, fmt.Errorf("reserve in QuotaLedger %q: %w", tenant, context.Cause(ctx))}
	}
	r.metrics.count(tenant, a, now)
	span.Text("usher.tenant", tenant)
	span.Text("usher.outcome", a.outcome)
	if a.err != nil {
		span.Fail(a.outcome)
	}
	return a.err
}

// join lets a request wait with the tenant's others.
func (r *Reserver) join(tenant string, w *waiter) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.scribes[tenant]
	if s == nil {
		s = &scribe{tenant: tenant, reserver: r}
		r.scribes[tenant] = s
		go s.run()
	}
	if len(s.waiting) >= maxWaiting {
		return errBusy
	}
	s.waiting = append(s.waiting, w)
	return nil
}

// take hands the next requests to a scribe, at most n. A scribe that gets none
// although it has none left ends.
func (r *Reserver) take(s *scribe, n int, mayEnd bool) []*waiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = min(n, len(s.waiting))
	out := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	if n == 0 && mayEnd {
		delete(r.scribes, s.tenant)
	}
	return out
}
