package tenancy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"usher.dev/usher/api/v1alpha1"
)

// lookForGone is how often namespaces that are being deleted are looked for,
// should no watch tell.
const lookForGone = 10 * time.Second

// addFinalizer comes before anything is made for the tenant.
func (r *Reconciler) addFinalizer(ctx context.Context, tenant *v1alpha1.Tenant) error {
	return r.setFinalizers(ctx, tenant, append(slices.Clone(tenant.Finalizers), Finalizer))
}

func (r *Reconciler) setFinalizers(ctx context.Context, tenant *v1alpha1.Tenant, finalizers []string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"finalizers": finalizers, "resourceVersion": tenant.ResourceVersion,
	}})
	if err != nil {
		return err
	}
	err = r.client.Patch(ctx, tenant.DeepCopy(), client.RawPatch(types.MergePatchType, patch), client.FieldOwner(FieldManager))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the finalizer: %w", err)
	}
	return nil
}

// finalize undoes a Tenant that is being deleted: first the owners' access, then
// the namespaces that were made for it, if it says so, and at last the finalizer.
// It goes by what the API server has and remembers nothing, so that it may be
// broken off and taken up again anywhere. Everything else that was made stays:
// who is in a namespace without a tenant must still be bounded.
func (r *Reconciler) finalize(ctx context.Context, tenant *v1alpha1.Tenant) (reconcile.Result, error) {
	if !controllerutil.ContainsFinalizer(tenant, Finalizer) {
		return reconcile.Result{}, nil
	}
	if err := r.takeAccess(ctx, tenant); err != nil {
		return reconcile.Result{}, err
	}
	if tenant.Spec.DeletionPolicy == v1alpha1.DeletionDelete {
		left, err := r.deleteNamespaces(ctx, tenant)
		if err != nil {
			return reconcile.Result{}, err
		}
		if len(left) > 0 {
			return reconcile.Result{RequeueAfter: lookForGone}, r.reportDeletion(ctx, tenant, left)
		}
	}
	without := slices.DeleteFunc(slices.Clone(tenant.Finalizers), func(f string) bool { return f == Finalizer })
	return reconcile.Result{}, r.setFinalizers(ctx, tenant, without)
}

// takeAccess deletes the tenant's RoleBindings, those included that the cache does
// not show yet.
func (r *Reconciler) takeAccess(ctx context.Context, tenant *v1alpha1.Tenant) error {
	var bindings rbacv1.RoleBindingList
	if err := r.live.List(ctx, &bindings, client.MatchingLabels(managedLabels(tenant.Name))); err != nil {
		return fmt.Errorf("read RoleBindings: %w", err)
	}
	for i := range bindings.Items {
		if err := r.remove(ctx, &bindings.Items[i]); err != nil {
			return fmt.Errorf("remove %s: %w", r.describe(&bindings.Items[i]), err)
		}
	}
	return nil
}

// deleteNamespaces deletes the namespaces that were made for the tenant, and
// returns those that are still there.
func (r *Reconciler) deleteNamespaces(ctx context.Context, tenant *v1alpha1.Tenant) ([]string, error) {
	var namespaces corev1.NamespaceList
	if err := r.live.List(ctx, &namespaces, client.MatchingLabels{TenantLabel: tenant.Name}); err != nil {
		return nil, fmt.Errorf("read Namespaces: %w", err)
	}
	var left []string
	for i := range namespaces.Items {
		ns := &namespaces.Items[i]
		if !isMadeFor(ns, tenant.Name, r.options.TenantLabel) || isReserved(ns.Name, r.options.ExemptNamespaces) {
			continue
		}
		left = append(left, ns.Name)
		if isTerminating(ns) {
			continue
		}
		if err := r.remove(ctx, ns); err != nil {
			return nil, fmt.Errorf("delete Namespace %s: %w", ns.Name, err)
		}
	}
	slices.Sort(left)
	return left, nil
}

// reportDeletion says what the deletion waits for.
func (r *Reconciler) reportDeletion(ctx context.Context, tenant *v1alpha1.Tenant, left []string) error {
	status := tenant.Status.DeepCopy()
	setCondition(status, tenant, v1alpha1.ConditionReady, false, "Deleting", "waiting for namespaces to be gone: "+strings.Join(left, ", "))
	return r.writeStatus(ctx, tenant, status)
}
