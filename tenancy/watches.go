package tenancy

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"usher.dev/usher/api/v1alpha1"
)

const (
	// soon is how long events of use are gathered, since a burst of pods changes a
	// share with every one of them, and how long others' writes are given to arrive.
	soon = 200 * time.Millisecond
	// catchUp is how long the cache is given to show a Tenant's status as written.
	catchUp = 20 * time.Millisecond
	// ledgerSoon is the same for ledgers, which only the status follows.
	ledgerSoon = time.Second
)

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

func enqueue(q queue, after time.Duration, tenants ...string) {
	for _, tenant := range tenants {
		q.AddAfter(reconcile.Request{NamespacedName: types.NamespacedName{Name: tenant}}, after)
	}
}

// watcher looks at the tenants of an object whenever it changes: at those of
// before and of now.
func (r *Reconciler) watcher(of func(context.Context, client.Object) []string) handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			r.recent.saw(e.Object, false)
			enqueue(q, 0, of(ctx, e.Object)...)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			r.recent.saw(e.ObjectNew, false)
			enqueue(q, 0, of(ctx, e.ObjectOld)...)
			enqueue(q, 0, of(ctx, e.ObjectNew)...)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) {
			r.recent.saw(e.Object, true)
			enqueue(q, 0, of(ctx, e.Object)...)
		},
	}
}

// tenantsOfManaged is the tenant that a managed object was made for.
func (r *Reconciler) tenantsOfManaged(_ context.Context, o client.Object) []string {
	return r.labelled(o, TenantLabel)
}

// tenantsOfNamespace are the tenants that a namespace is labelled with, and those
// that list it.
func (r *Reconciler) tenantsOfNamespace(ctx context.Context, o client.Object) []string {
	tenants := r.labelled(o, r.options.TenantLabel, TenantLabel)
	var listing v1alpha1.TenantList
	if err := r.client.List(ctx, &listing, client.MatchingFields{listedIndex: o.GetName()}, client.UnsafeDisableDeepCopy); err == nil {
		for i := range listing.Items {
			if name := listing.Items[i].Name; !slices.Contains(tenants, name) {
				tenants = append(tenants, name)
			}
		}
	}
	return tenants
}

// quotaWatcher looks at once when a quota is changed, or binds by other numbers
// than before, and soon when a share is used. How much of the other quotas is
// used is of no interest.
func (r *Reconciler) quotaWatcher() handler.EventHandler {
	watcher, _ := r.watcher(r.tenantsOfManaged).(handler.Funcs)
	whole := watcher.UpdateFunc
	watcher.UpdateFunc = func(ctx context.Context, e event.UpdateEvent, q queue) {
		before, isQuota := e.ObjectOld.(*corev1.ResourceQuota)
		now, _ := e.ObjectNew.(*corev1.ResourceQuota)
		if !isQuota || before.Generation != now.Generation || !isSame(before, now) || !isSame(now, before) ||
			!equal(before.Status.Hard, now.Status.Hard) || before.DeletionTimestamp.IsZero() != now.DeletionTimestamp.IsZero() {
			whole(ctx, e, q)
			return
		}
		r.recent.saw(now, false)
		if tenant := now.Labels[TenantLabel]; now.Name == shareName(tenant) && !equal(before.Status.Used, now.Status.Used) {
			enqueue(q, soon, tenant)
		}
	}
	return watcher
}

// ledgerWatcher follows the ledger that bears the tenant's name.
func ledgerWatcher() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { enqueue(q, ledgerSoon, e.Object.GetName()) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { enqueue(q, ledgerSoon, e.ObjectNew.GetName()) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { enqueue(q, ledgerSoon, e.Object.GetName()) },
	}
}

// tenantCame, tenantChanged and tenantWent look at the tenants that claim the same
// as this one does, or did.
func (r *Reconciler) tenantCame(ctx context.Context, e event.CreateEvent, q queue) {
	r.lookAtRivals(ctx, q, e.Object)
}

func (r *Reconciler) tenantChanged(ctx context.Context, e event.UpdateEvent, q queue) {
	if e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() {
		r.lookAtRivals(ctx, q, e.ObjectOld, e.ObjectNew)
	}
}

func (r *Reconciler) tenantWent(ctx context.Context, e event.DeleteEvent, q queue) {
	r.lookAtRivals(ctx, q, e.Object)
}

func (r *Reconciler) lookAtRivals(ctx context.Context, q queue, of ...client.Object) {
	var all v1alpha1.TenantList
	if err := r.client.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	for i := range all.Items {
		rival := &all.Items[i]
		if slices.ContainsFunc(of, func(o client.Object) bool {
			tenant, _ := o.(*v1alpha1.Tenant)
			return clash(tenant, rival, r.options.TenantLabel)
		}) {
			enqueue(q, 0, rival.Name)
		}
	}
}
