package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// view is what the cache shows of one Tenant. Nothing in it is changed, since
// the cache hands out its own objects.
type view struct {
	tenant    *v1alpha1.Tenant
	conflicts []Conflict
	// own are the namespaces that belong to the tenant, by name; those that cannot
	// be a tenant's are left out, and listed in reserved.
	own      map[string]*corev1.Namespace
	reserved []string
	// listed are those of spec.namespaces that exist.
	listed map[string]*corev1.Namespace
	// managed are the objects that bear the tenant's label.
	managed map[string]client.Object
	ledger  *v1alpha1.QuotaLedger
}

// look reads from the cache alone.
func (r *Reconciler) look(ctx context.Context, tenant *v1alpha1.Tenant) (*view, error) {
	v := &view{tenant: tenant, own: map[string]*corev1.Namespace{}, listed: map[string]*corev1.Namespace{}, managed: map[string]client.Object{}}

	var tenants v1alpha1.TenantList
	if err := r.client.List(ctx, &tenants, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("read Tenants: %w", err)
	}
	others := make([]*v1alpha1.Tenant, len(tenants.Items))
	for i := range tenants.Items {
		others[i] = &tenants.Items[i]
	}
	v.conflicts = Conflicts(tenant, others, r.options.TenantLabel)

	var namespaces corev1.NamespaceList
	if err := r.client.List(ctx, &namespaces, client.MatchingFields{tenantIndex: tenant.Name}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("read Namespaces: %w", err)
	}
	for i := range namespaces.Items {
		ns := &namespaces.Items[i]
		switch {
		case !belongsTo(ns, tenant.Name, r.options.TenantLabel):
		case isReserved(ns.Name, r.options.ExemptNamespaces):
			v.reserved = append(v.reserved, ns.Name)
		default:
			v.own[ns.Name] = ns
		}
	}
	slices.Sort(v.reserved)
	for _, name := range tenant.Spec.Namespaces {
		ns := &corev1.Namespace{}
		err := r.client.Get(ctx, types.NamespacedName{Name: name}, ns)
		if err == nil {
			v.listed[name] = ns
		} else if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("read Namespace: %w", err)
		}
	}

	if err := r.lookForManaged(ctx, v); err != nil {
		return nil, err
	}

	ledger := &v1alpha1.QuotaLedger{}
	err := r.client.Get(ctx, types.NamespacedName{Name: tenant.Name}, ledger)
	if err == nil {
		v.ledger = ledger
	} else if !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("read QuotaLedger: %w", err)
	}
	return v, nil
}

func (r *Reconciler) lookForManaged(ctx context.Context, v *view) error {
	for _, list := range []client.ObjectList{
		&corev1.ResourceQuotaList{}, &corev1.LimitRangeList{}, &networkingv1.NetworkPolicyList{}, &rbacv1.RoleBindingList{},
	} {
		if err := r.client.List(ctx, list, client.MatchingFields{tenantIndex: v.tenant.Name}, client.UnsafeDisableDeepCopy); err != nil {
			return fmt.Errorf("read managed objects: %w", err)
		}
		for _, o := range items(list) {
			if isManaged(o.GetLabels(), v.tenant.Name) {
				v.managed[keyOf(o)] = o
			}
		}
	}
	return nil
}

// items are the objects of a list.
func items(list client.ObjectList) []client.Object {
	var out []client.Object
	switch list := list.(type) {
	case *corev1.ResourceQuotaList:
		for i := range list.Items {
			out = append(out, &list.Items[i])
		}
	case *corev1.LimitRangeList:
		for i := range list.Items {
			out = append(out, &list.Items[i])
		}
	case *networkingv1.NetworkPolicyList:
		for i := range list.Items {
			out = append(out, &list.Items[i])
		}
	case *rbacv1.RoleBindingList:
		for i := range list.Items {
			out = append(out, &list.Items[i])
		}
	}
	return out
}

// accepted says whether no older tenant claims the same.
func (v *view) accepted() bool { return len(v.conflicts) == 0 }

// contested says whether an older tenant lists a namespace, too.
func (v *view) contested(namespace string) bool {
	return slices.ContainsFunc(v.conflicts, func(c Conflict) bool { return c.Namespace == namespace })
}

// active are the tenant's namespaces in which objects can be made, sorted.
func (v *view) active() []*corev1.Namespace {
	var active []*corev1.Namespace
	for _, ns := range v.own {
		if !isTerminating(ns) {
			active = append(active, ns)
		}
	}
	slices.SortFunc(active, func(a, b *corev1.Namespace) int { return cmp.Compare(a.Name, b.Name) })
	return active
}

// sortedManaged are the managed objects in a fixed order.
func (v *view) sortedManaged() []client.Object {
	objects := slices.Collect(maps.Values(v.managed))
	slices.SortFunc(objects, func(a, b client.Object) int { return strings.Compare(keyOf(a), keyOf(b)) })
	return objects
}
