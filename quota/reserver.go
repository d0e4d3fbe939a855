package quota

import (
	"context"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"usher.dev/usher/api/v1alpha1"
)

// Reserver writes reservations into ledgers.
type Reserver struct {
	store *store
	log   logr.Logger
}

// NewReserver prepares the connection; Start uses it.
func NewReserver(cfg *rest.Config, log logr.Logger) (*Reserver, error) {
	store, err := newStore(cfg)
	if err != nil {
		return nil, err
	}
	return &Reserver{store: store, log: log}, nil
}

// Start returns when the context ends. Requests under way are still answered
// then, and so are those that come while a server drains.
func (r *Reserver) Start(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Current says why ledgers cannot be read, nil if they can.
func (r *Reserver) Current() error { return nil }

// Collectors returns the metrics.
func (r *Reserver) Collectors() []prometheus.Collector { return nil }

// Document returns input.quota for what is asked of a tenant's ledger as it is
// now; nil if the tenant has none. Nothing is reserved.
func (r *Reserver) Document(ctx context.Context, tenant string, ask Ask) (map[string]any, error) {
	ledger, err := r.store.get(ctx, tenant)
	if err != nil || ledger == nil {
		return nil, err
	}
	return Document(ledger, ask), nil
}

// Reserve asks decide, on the ledger's state, whether the entry may be added, and
// adds it if so. It may ask several times; what it said last is the answer. The
// error is nil, too, when decide refused.
func (r *Reserver) Reserve(ctx context.Context, tenant string, ask Ask, decide func(ctx context.Context, quota map[string]any) bool) error {
	for {
		ledger, err := r.store.get(ctx, tenant)
		if err != nil {
			return err
		}
		if ledger == nil || ledger.Status.Counted == nil {
			return ErrNotCounted
		}
		if !decide(ctx, Document(ledger, ask)) {
			return nil
		}
		ledger.Status.Reservations = append(ledger.Status.Reservations, ask.Entry)
		if _, err = r.store.put(ctx, ledger, &ledger.Status); !apierrors.IsConflict(err) {
			return err
		}
	}
}


// status makes the next version of a ledger.
func stamped(status *v1alpha1.QuotaLedgerStatus) *v1alpha1.QuotaLedgerStatus {
	next := *status
	next.Over, next.Version = status.Version, NewID()
	return &next
}
