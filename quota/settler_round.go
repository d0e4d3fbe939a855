package quota

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/tracing"
)

// round is one settlement of one tenant.
type round struct {
	settler *Settler
	tenant  *v1alpha1.Tenant
	counter Counter
	memory  *memory
	// holders are those of the ledger at hand.
	holders holders
	// namespaces are those that were looked up live, and whether they are the
	// tenant's; nodes are those that were looked up.
	namespaces map[string]bool
	nodes      map[string]shares
}

// settle holds a ledger against what is there until that is written.
func (r *round) settle(ctx context.Context, ledger *v1alpha1.QuotaLedger) (ctrl.Result, error) {
	for try := 0; ; try++ {
		now := time.Now()
		r.settler.counts(r.memory, now)
		lapsed, lapses := r.memory.ages.note(ledger.Status.Reservations, now, r.settler.options.TTL)
		see, err := r.see(ctx, ledger, lapsed)
		if err != nil {
			return ctrl.Result{}, err
		}
		result := settle(&ledger.Status, see)
		if !result.open.none() {
			if err := r.look(ctx, &result.open, see); err != nil {
				return ctrl.Result{}, err
			}
			result = settle(&ledger.Status, see)
		}
		if !result.changed && (ledger.Status.Counted != nil || result.full != nil) {
			return r.rest(ctx, ledger, result.full, lapses)
		}
		next, err := r.write(ctx, ledger, &result)
		if err == nil {
			r.tell(&result)
			return r.rest(ctx, next, result.full, lapses)
		}
		if !errors.Is(err, errConflict) || try == tries {
			return ctrl.Result{}, err
		}
		if ledger, err = r.settler.reread(ctx, r.tenant.Name, r.memory); err != nil {
			return ctrl.Result{}, err
		}
		if ledger == nil || ledger.Status.Version == "" {
			return ctrl.Result{RequeueAfter: every}, nil
		}
	}
}

// write writes what was settled.
func (r *round) write(ctx context.Context, ledger *v1alpha1.QuotaLedger, result *settlement) (*v1alpha1.QuotaLedger, error) {
	if result.full == nil {
		now := metav1.Now()
		result.status.Counted = &now
	}
	ctx, span := tracing.Start(ctx, "ledger write")
	next, err := r.settler.store.put(ctx, ledger, result.status, NewID())
	r.settler.metrics.wrote(err)
	if err != nil {
		span.Fail(resultOf(err))
	}
	span.End()
	if err == nil {
		r.memory.written = next
	}
	return next, err
}

// rest ends a round: what is settled is shown, and when to come again is said.
func (r *round) rest(ctx context.Context, ledger *v1alpha1.QuotaLedger, full error, lapses time.Time) (ctrl.Result, error) {
	r.settler.metrics.show(ledger)
	r.judge(ledger, full)
	status := &ledger.Status
	if r.tenant.Spec.GPU == nil && len(status.Holders) == 0 && len(status.Reservations) == 0 {
		return ctrl.Result{}, r.end(ctx, ledger)
	}
	switch {
	case full != nil:
		return ctrl.Result{RequeueAfter: recount}, nil
	case lapses.IsZero():
		return ctrl.Result{}, nil
	default:
		return ctrl.Result{RequeueAfter: max(time.Until(lapses), every)}, nil
	}
}

// end deletes the empty ledger of a tenant that may hold no GPU any more.
func (r *round) end(ctx context.Context, ledger *v1alpha1.QuotaLedger) error {
	now := &v1alpha1.Tenant{}
	if err := r.settler.live.Get(ctx, types.NamespacedName{Name: r.tenant.Name}, now); err != nil {
		return client.IgnoreNotFound(err)
	}
	if now.Spec.GPU != nil {
		return nil
	}
	if err := r.settler.remove(ctx, ledger); err != nil {
		return err
	}
	r.memory.written = nil
	r.settler.metrics.forget(r.tenant.Name)
	return nil
}

// see gathers what is known of a tenant's pods and claims.
func (r *round) see(ctx context.Context, ledger *v1alpha1.QuotaLedger, lapsed map[token]bool) (*sight, error) {
	see := &sight{lapsed: lapsed, void: map[token]bool{}, met: map[types.UID]bool{}}
	r.holders = holdersOf(&ledger.Status)
	var namespaces corev1.NamespaceList
	if err := r.settler.cache.List(ctx, &namespaces, client.MatchingFields{tenantIndex: r.tenant.Name}); err != nil {
		return nil, fmt.Errorf("list the tenant's Namespaces: %w", err)
	}
	for i := range namespaces.Items {
		entries, err := r.entries(ctx, r.settler.cached, namespaces.Items[i].Name)
		if err != nil {
			return nil, err
		}
		see.live = append(see.live, entries...)
	}
	see.gone, see.spent = r.settler.departures.of(&ledger.Status, see.live)
	return see, nil
}

// entries are what pods and claims of a namespace hold, of the cache or live.
func (r *round) entries(ctx context.Context, list lister, namespace string, options ...client.ListOption) ([]v1alpha1.LedgerEntry, error) {
	options = append([]client.ListOption{client.InNamespace(namespace)}, options...)
	var out []v1alpha1.LedgerEntry
	var pods corev1.PodList
	err := list(ctx, &pods, func() {
		for i := range pods.Items {
			if e, ok := r.podEntry(ctx, &pods.Items[i]); ok {
				out = append(out, e)
			}
		}
	}, options...)
	if err != nil {
		return nil, fmt.Errorf("list Pods: %w", err)
	}
	if !r.settler.claims {
		return out, nil
	}
	var claims resourcev1.ResourceClaimList
	err = list(ctx, &claims, func() {
		for i := range claims.Items {
			if e, ok := claimEntry(&claims.Items[i], r.counter, r.holders); ok {
				out = append(out, e)
			}
		}
	}, options...)
	if err != nil {
		return nil, fmt.Errorf("list ResourceClaims: %w", err)
	}
	return out, nil
}

func (r *round) podEntry(ctx context.Context, pod *corev1.Pod) (v1alpha1.LedgerEntry, bool) {
	var on shares
	if pod.Spec.NodeName != "" {
		on = r.shares(ctx, pod.Spec.NodeName)
	}
	return podEntry(pod, r.counter, on, r.holders)
}

// shares returns a node's shares, of its GPUNode.
func (r *round) shares(ctx context.Context, name string) shares {
	on, ok := r.nodes[name]
	if ok {
		return on
	}
	node := &v1alpha1.GPUNode{}
	if err := r.settler.cache.Get(ctx, types.NamespacedName{Name: name}, node); client.IgnoreNotFound(err) != nil {
		log.FromContext(ctx).Error(err, "cannot read a GPUNode; its pods stay as they are counted", "node", name)
	}
	on = sharesOf(node)
	r.nodes[name] = on
	return on
}

func sharesOf(node *v1alpha1.GPUNode) shares {
	return func(resource string) (int64, bool) {
		for _, r := range node.Status.Resources {
			if r.Name == resource {
				return int64(r.Replicas), true
			}
		}
		return 0, false
	}
}
