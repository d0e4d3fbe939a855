package tenancy

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"usher.dev/usher/api/v1alpha1"
)

// SetupWithManager connects the Reconciler to a cluster. The manager's scheme has
// to know Kubernetes' kinds and usher's, and its cache to keep what CacheByObject
// says.
func (r *Reconciler) SetupWithManager(mgr manager.Manager) error {
	r.client, r.live = mgr.GetClient(), mgr.GetAPIReader()
	r.events = mgr.GetEventRecorder(FieldManager)
	if err := r.index(context.Background(), mgr); err != nil {
		return fmt.Errorf("index the cache: %w", err)
	}
	of := builder.ControllerManagedBy(mgr).Named("tenancy").
		For(&v1alpha1.Tenant{}, builder.WithPredicates(specChanges())).
		Watches(&v1alpha1.Tenant{}, handler.Funcs{CreateFunc: r.tenantCame, UpdateFunc: r.tenantChanged, DeleteFunc: r.tenantWent}).
		Watches(&corev1.Namespace{}, r.watcher(r.tenantsOfNamespace)).
		Watches(&v1alpha1.QuotaLedger{}, ledgerWatcher())
	for _, kind := range managedKinds() {
		if _, ok := kind.(*corev1.ResourceQuota); ok {
			of = of.Watches(kind, r.quotaWatcher())
			continue
		}
		of = of.Watches(kind, r.watcher(r.tenantsOfManaged))
	}
	if err := of.WithOptions(controller.Options{MaxConcurrentReconciles: r.options.Concurrency}).Complete(r); err != nil {
		return fmt.Errorf("set up the controller of Tenants: %w", err)
	}
	return nil
}

// specChanges are the changes of a Tenant that are not its status, which this
// controller writes itself.
func specChanges() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
			e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero() ||
			len(e.ObjectOld.GetFinalizers()) != len(e.ObjectNew.GetFinalizers())
	}}
}
