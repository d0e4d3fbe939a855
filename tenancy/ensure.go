package tenancy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// ReasonReserved says that a namespace can be no tenant's.
const ReasonReserved = "ReservedNamespace"

// ReasonTerminating says that a namespace is being deleted.
const ReasonTerminating = "NamespaceTerminating"

// ensureNamespaces makes the listed namespaces that are not there.
func (r *run) ensureNamespaces(ctx context.Context) {
	for _, name := range r.reserved {
		r.problem(ReasonReserved, "namespace %q bears the tenant's label, but is of the cluster's own and gets nothing; take the label %s off it",
			name, r.options.TenantLabel)
	}
	for _, name := range slices.Sorted(slices.Values(r.tenant.Spec.Namespaces)) {
		switch ns := r.listed[name]; {
		case isReserved(name, r.options.ExemptNamespaces):
			r.problem(ReasonReserved, "namespace %q is of the cluster's own and can be no tenant's; take it out of spec.namespaces", name)
		case ns == nil && r.accepted():
			r.make(ctx, name)
		case ns == nil:
		case !belongsTo(ns, r.tenant.Name, r.options.TenantLabel):
			r.foreign(ns)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.own)) {
		if isTerminating(r.own[name]) {
			r.problem(ReasonTerminating, "namespace %q is being deleted", name)
		}
	}
}

// foreign says what to do about a listed namespace that is somebody else's.
func (r *run) foreign(ns *corev1.Namespace) {
	whose := "belongs to no tenant"
	if owner := ns.Labels[r.options.TenantLabel]; owner != "" {
		whose = fmt.Sprintf("belongs to tenant %q", owner)
	}
	r.problem(ReasonNamespaceConflict, "namespace %q is there already and %s; to give it to this one with all that is in it, label it %s=%s, or else take it out of spec.namespaces",
		ns.Name, whose, r.options.TenantLabel, r.tenant.Name)
}

// make creates a namespace. It never takes over one that the cache does not show
// yet, as applying would.
func (r *run) make(ctx context.Context, name string) {
	ns := newNamespace(r.tenant, r.options.TenantLabel, name)
	if left, pending := r.recent.pending(ns, ""); pending {
		r.lookAgain(left)
		return
	}
	err := r.client.Create(ctx, ns, client.FieldOwner(FieldManager))
	if apierrors.IsAlreadyExists(err) {
		r.lookAgain(patience)
		return
	}
	if err != nil {
		r.fail(fmt.Sprintf("make namespace %q", name), err)
		return
	}
	r.recent.wrote(ns)
	r.own[name], r.listed[name] = ns, ns
	if r.wasReady(name) {
		r.repaired(ns, "was gone, and is made again; what was in it is lost")
	}
}

// label gives a namespace the labels that it must bear, and takes those away that
// it must not.
func (r *run) label(ctx context.Context, ns *corev1.Namespace) {
	want := wantedLabels(r.tenant, r.options.TenantLabel, isMadeFor(ns, r.tenant.Name, r.options.TenantLabel))
	if hasLabels(ns, want) {
		return
	}
	if left, pending := r.recent.pending(ns, ns.ResourceVersion); pending {
		r.lookAgain(left)
		return
	}
	// The UID keeps a namespace from being made that was deleted meanwhile.
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	o.SetName(ns.Name)
	o.SetUID(ns.UID)
	o.SetLabels(want.set)
	what := fmt.Sprintf("label namespace %q", ns.Name)
	if err := r.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner(FieldManager), client.ForceOwnership); err != nil {
		r.fail(what, err)
		return
	}
	ns = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns.Name, UID: o.GetUID(), ResourceVersion: o.GetResourceVersion(), Labels: o.GetLabels(), ManagedFields: o.GetManagedFields()}}
	// What others own is not taken away by no longer applying it.
	if unwanted := unwantedLabels(ns, want); len(unwanted) > 0 {
		if err := r.removeLabels(ctx, ns, unwanted); err != nil {
			r.fail(what, err)
			return
		}
	}
	r.recent.wrote(ns)
	if r.wasReady(ns.Name) {
		r.repaired(ns, "had lost labels or had been given others")
	}
}

func (r *run) removeLabels(ctx context.Context, ns *corev1.Namespace, keys []string) error {
	labels := map[string]any{}
	for _, key := range keys {
		labels[key] = nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": ns.UID, "labels": labels}})
	if err != nil {
		return err
	}
	return r.client.Patch(ctx, ns, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(FieldManager))
}

// wasReady says whether all of this spec stood in the namespace before, so that
// what is missing now was taken away by somebody.
func (r *run) wasReady(namespace string) bool {
	ready := apimeta.FindStatusCondition(r.tenant.Status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == r.tenant.Generation &&
		slices.ContainsFunc(r.tenant.Status.Namespaces, func(ns v1alpha1.TenantNamespace) bool { return ns.Name == namespace })
}
