package quota

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/tracing"
)

const (
	// LeastTTL is the least that a reservation must be let stay: an API server may
	// still make a pod of a request as long as its time is not up.
	LeastTTL = 45 * time.Second
	// every is the least time between two settlements of a tenant. A burst of a
	// thousand pods in a second is settled in four writes, and each write makes
	// one of the webhook's meanwhile fail; yet freed units are back before the
	// controller of a Deployment or Job has its next pod admitted.
	every = 250 * time.Millisecond
	// tries is how often a settlement is written at once before others' turn.
	tries = 8
	// recount is when a ledger that has no room is counted again.
	recount = time.Minute
)

// SettlerOptions is what a settler is made of.
type SettlerOptions struct {
	// TenantLabel is the label that names a namespace's tenant. Required.
	TenantLabel string
	// Counter returns what counts the units of a tenant's pods and claims.
	// Required.
	Counter func(*v1alpha1.Tenant) (Counter, error)
	// TTL is how long a reservation stays for a pod that does not come; not less
	// than LeastTTL outside of tests. Zero: DefaultTTL.
	TTL time.Duration
}

// Settler makes the ledger of each tenant say what its pods and claims hold.
type Settler struct {
	options    SettlerOptions
	store      *store
	cache      client.Reader
	live       client.Reader
	events     recorder.EventRecorder
	metrics    *settlerMetrics
	departures *departures
	// claims says that the cluster has ResourceClaims.
	claims bool

	mu       sync.Mutex
	memories map[string]*memory
}

// NewSettler returns a settler; SetupWithManager makes it run.
func NewSettler(options SettlerOptions) *Settler {
	if options.TTL == 0 {
		options.TTL = DefaultTTL
	}
	return &Settler{
		options:    options,
		metrics:    newSettlerMetrics(),
		departures: newDepartures(2 * options.TTL),
		memories:   map[string]*memory{},
	}
}

// Collectors returns the metrics.
func (s *Settler) Collectors() []prometheus.Collector { return s.metrics.collectors() }

// Reconcile settles the ledger of one tenant. It writes nothing when nothing has
// changed.
func (s *Settler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	m := s.remember(request.Name)
	now := time.Now()
	if wait := every - now.Sub(m.settled); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	m.settled = now
	ctx, span := tracing.Start(ctx, "settle")
	defer span.End()
	span.Text("usher.tenant", request.Name)
	result, err := s.reconcile(ctx, request.Name, m)
	if err != nil {
		m.doubtful = true
		span.Fail(resultOf(err))
	}
	if errors.Is(err, errConflict) {
		log.FromContext(ctx).V(1).Info("others keep writing the ledger, trying again", "tenant", request.Name)
		return ctrl.Result{RequeueAfter: every}, nil
	}
	return result, err
}

func (s *Settler) reconcile(ctx context.Context, name string, m *memory) (ctrl.Result, error) {
	tenant := &v1alpha1.Tenant{}
	if err := s.cache.Get(ctx, types.NamespacedName{Name: name}, tenant); err != nil {
		if client.IgnoreNotFound(err) != nil {
			return ctrl.Result{}, fmt.Errorf("read Tenant: %w", err)
		}
		return ctrl.Result{}, s.retire(ctx, name, m)
	}
	ledger, err := s.ledger(ctx, tenant, m)
	if err != nil || ledger == nil {
		return ctrl.Result{}, err
	}
	counter, err := s.options.Counter(tenant)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("read the weights of Tenant: %w", err)
	}
	r := &round{settler: s, tenant: tenant, counter: counter, memory: m, namespaces: map[string]bool{}, nodes: map[string]shares{}}
	if ledger.Status.Version == "" {
		return r.count(ctx, ledger)
	}
	return r.settle(ctx, ledger)
}

// remember returns what is known of a tenant.
func (s *Settler) remember(tenant string) *memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.memories[tenant]
	if m == nil {
		m = &memory{ages: ages{}}
		s.memories[tenant] = m
	}
	return m
}
