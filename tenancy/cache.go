package tenancy

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"usher.dev/usher/api/v1alpha1"
)

// tenantIndex finds namespaces and managed objects by the tenants that their
// labels name, and listedIndex finds Tenants by the namespaces that they list.
const (
	tenantIndex = "tenancy.usher.dev/tenant"
	listedIndex = "tenancy.usher.dev/listed"
)

// managedKinds are the kinds of which usher makes objects in namespaces.
func managedKinds() []client.Object {
	return []client.Object{&corev1.ResourceQuota{}, &corev1.LimitRange{}, &networkingv1.NetworkPolicy{}, &rbacv1.RoleBinding{}}
}

// CacheByObject is what the manager's cache has to keep: of the managed kinds
// only what bears usher's label, and nothing at all of who wrote which field but
// on Namespaces what usher itself wrote.
func CacheByObject() map[client.Object]cache.ByObject {
	managed := labels.SelectorFromSet(labels.Set{ManagedByLabel: ManagedBy})
	byObject := map[client.Object]cache.ByObject{
		&corev1.Namespace{}: {Transform: keepOwnFields},
		&v1alpha1.Tenant{}:  {Transform: cache.TransformStripManagedFields()},
	}
	for _, kind := range managedKinds() {
		byObject[kind] = cache.ByObject{Label: managed, Transform: cache.TransformStripManagedFields()}
	}
	return byObject
}

// keepOwnFields drops what says who wrote which field, but for usher's own.
func keepOwnFields(in any) (any, error) {
	if o, ok := in.(metav1.Object); ok {
		var own []metav1.ManagedFieldsEntry
		for _, entry := range o.GetManagedFields() {
			if entry.Manager == FieldManager {
				own = append(own, entry)
			}
		}
		o.SetManagedFields(slices.Clip(own))
	}
	return in, nil
}

// index registers the indexes.
func (r *Reconciler) index(ctx context.Context, mgr manager.Manager) error {
	indexer := mgr.GetFieldIndexer()
	byLabel := func(keys ...string) client.IndexerFunc {
		return func(o client.Object) []string { return r.labelled(o, keys...) }
	}
	if err := indexer.IndexField(ctx, &corev1.Namespace{}, tenantIndex, byLabel(r.options.TenantLabel, TenantLabel)); err != nil {
		return err
	}
	for _, kind := range managedKinds() {
		if err := indexer.IndexField(ctx, kind, tenantIndex, byLabel(TenantLabel)); err != nil {
			return err
		}
	}
	return indexer.IndexField(ctx, &v1alpha1.Tenant{}, listedIndex, func(o client.Object) []string {
		t, _ := o.(*v1alpha1.Tenant)
		return t.Spec.Namespaces
	})
}

// labelled returns the tenants that the labels of an object name, each once.
func (r *Reconciler) labelled(o client.Object, keys ...string) []string {
	var tenants []string
	for _, key := range keys {
		if tenant := o.GetLabels()[key]; tenant != "" && !slices.Contains(tenants, tenant) {
			tenants = append(tenants, tenant)
		}
	}
	return tenants
}
