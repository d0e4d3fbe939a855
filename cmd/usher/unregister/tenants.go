package unregister

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/tenancy"
)

// ReleaseTenants takes usher's finalizer off all Tenants, which nobody else would:
// without a controller none could be deleted, and no namespace or CRD of theirs.
// Tenants stay. An usher that comes back puts the finalizer on again.
func (u *Unregisterer) ReleaseTenants(ctx context.Context) error {
	var tenants v1alpha1.TenantList
	err := u.client.List(ctx, &tenants)
	if meta.IsNoMatchError(err) {
		fmt.Fprintln(u.Out, "the cluster has no Tenants")
		return nil
	}
	if err != nil {
		return fmt.Errorf("list Tenants: %w", err)
	}
	released := 0
	for i := range tenants.Items {
		tenant := &tenants.Items[i]
		without := slices.DeleteFunc(slices.Clone(tenant.Finalizers), func(f string) bool { return f == tenancy.Finalizer })
		if len(without) == len(tenant.Finalizers) {
			continue
		}
		if err := u.setFinalizers(ctx, tenant, without); err != nil {
			return err
		}
		released++
		if tenant.DeletionTimestamp != nil && tenant.Spec.DeletionPolicy == v1alpha1.DeletionDelete {
			fmt.Fprintf(u.Out, "Tenant %s was being deleted: its namespaces, labelled %s=%s, are left\n", tenant.Name, tenancy.TenantLabel, tenant.Name)
		}
	}
	fmt.Fprintf(u.Out, "%d of %d Tenants released: they stay, and can be deleted\n", released, len(tenants.Items))
	return nil
}

// setFinalizers writes over the very version that was read.
func (u *Unregisterer) setFinalizers(ctx context.Context, tenant *v1alpha1.Tenant, finalizers []string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"finalizers": finalizers, "resourceVersion": tenant.ResourceVersion,
	}})
	if err != nil {
		return err
	}
	err = u.client.Patch(ctx, tenant.DeepCopy(), client.RawPatch(types.MergePatchType, patch))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("release Tenant %s: %w", tenant.Name, err)
	}
	return nil
}
