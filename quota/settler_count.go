package quota

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// count counts, for the first time, what a tenant holds, all of it live. Until
// that is written nothing is reserved on the ledger. Pods that were admitted by
// an earlier ledger, which is lost, must have come or failed before.
func (r *round) count(ctx context.Context, ledger *v1alpha1.QuotaLedger) (ctrl.Result, error) {
	s, now := r.settler, time.Now()
	wait, lost := s.rest(r.memory, ledger.UID, now)
	if wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	see := &sight{met: map[types.UID]bool{}}
	var namespaces corev1.NamespaceList
	if err := s.live.List(ctx, &namespaces, client.MatchingLabels{s.options.TenantLabel: r.tenant.Name}); err != nil {
		return ctrl.Result{}, fmt.Errorf("list the tenant's Namespaces: %w", err)
	}
	for i := range namespaces.Items {
		entries, err := r.entries(ctx, s.paged, namespaces.Items[i].Name)
		if err != nil {
			return ctrl.Result{}, err
		}
		see.live = append(see.live, entries...)
	}
	for i := range see.live {
		see.met[see.live[i].UID] = true
	}
	result := settle(&ledger.Status, see)
	if result.full != nil {
		return r.rest(ctx, ledger, result.full, time.Time{})
	}
	next, err := r.write(ctx, ledger, &result)
	if err == nil || errors.Is(err, errUnknown) {
		s.counts(r.memory, now)
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	if lost {
		r.event(corev1.EventTypeNormal, "LedgerRebuilt", "QuotaLedger %q was made anew from what is there: %d pods and claims hold %s GPUs",
			next.Name, len(next.Status.Holders), Units(next.Status.Used))
	}
	return r.rest(ctx, next, nil, time.Time{})
}

// counts notes that a tenant has a ledger that counts, on which requests may
// reserve.
func (s *Settler) counts(m *memory, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.born, m.counted = false, now
	m.idle.uid, m.idle.since = "", time.Time{}
}

// rest says how long to wait before an uncounted ledger is counted, and whether
// there may have been an earlier one.
func (s *Settler) rest(m *memory, ledger types.UID, now time.Time) (wait time.Duration, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return m.rest(ledger, now, s.options.TTL), !m.born
}
