package tenancy

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// isSame says whether an object is as it is wanted: whole, so that what somebody
// adds is seen as well as what somebody changes. Labels and annotations beside
// usher's own are left to others.
func isSame(want, live client.Object) bool {
	for key, value := range want.GetLabels() {
		if live.GetLabels()[key] != value {
			return false
		}
	}
	return equality.Semantic.DeepEqual(content(want), content(live))
}

// content is what usher manages of an object, beside its labels, by field.
func content(o client.Object) map[string]any {
	switch o := o.(type) {
	case *corev1.ResourceQuota:
		return map[string]any{"spec": o.Spec}
	case *corev1.LimitRange:
		return map[string]any{"spec": o.Spec}
	case *networkingv1.NetworkPolicy:
		return map[string]any{"spec": o.Spec}
	case *rbacv1.RoleBinding:
		return map[string]any{"roleRef": o.RoleRef, "subjects": o.Subjects}
	}
	return nil
}

// isImmutable says whether the API server lets nobody make the object what is
// wanted, so that it has to be made anew: the role of a binding and the scopes of
// a quota are for life.
func isImmutable(want, live client.Object) bool {
	switch live := live.(type) {
	case *rbacv1.RoleBinding:
		return live.RoleRef != want.(*rbacv1.RoleBinding).RoleRef
	case *corev1.ResourceQuota:
		return hasOtherScopes(want.(*corev1.ResourceQuota), live)
	}
	return false
}

func hasOtherScopes(want, live *corev1.ResourceQuota) bool {
	return !equality.Semantic.DeepEqual(want.Spec.Scopes, live.Spec.Scopes) ||
		!equality.Semantic.DeepEqual(want.Spec.ScopeSelector, live.Spec.ScopeSelector)
}

// unwantedLabels are labels of a namespace that must go: those that must be
// absent, and those that usher set once and wants no longer.
func unwantedLabels(ns *corev1.Namespace, want namespaceLabels) []string {
	var unwanted []string
	for _, key := range append(ownedLabels(ns), want.absent...) {
		_, there := ns.Labels[key]
		_, wanted := want.set[key]
		if there && !wanted && !slices.Contains(unwanted, key) {
			unwanted = append(unwanted, key)
		}
	}
	slices.Sort(unwanted)
	return unwanted
}

// ownedLabels are the labels that usher's field manager owns. Who creates a
// namespace also owns the label that the API server sets on all of them.
func ownedLabels(ns *corev1.Namespace) []string {
	var owned []string
	for _, entry := range ns.ManagedFields {
		if entry.Manager != FieldManager || entry.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Metadata struct {
				Labels map[string]json.RawMessage `json:"f:labels"`
			} `json:"f:metadata"`
		}
		if json.NewDecoder(bytes.NewReader(entry.FieldsV1.GetRawBytes())).Decode(&fields) != nil {
			continue
		}
		for field := range fields.Metadata.Labels {
			if key, ok := strings.CutPrefix(field, "f:"); ok && key != corev1.LabelMetadataName {
				owned = append(owned, key)
			}
		}
	}
	slices.Sort(owned)
	return slices.Compact(owned)
}

// hasLabels says whether a namespace bears what it must and nothing that it must not.
func hasLabels(ns *corev1.Namespace, want namespaceLabels) bool {
	for key, value := range maps.All(want.set) {
		if ns.Labels[key] != value {
			return false
		}
	}
	return len(unwantedLabels(ns, want)) == 0
}
