package e2e

import (
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// managedKind is a kind of which usher manages objects.
type managedKind struct {
	resource schema.GroupVersionResource
	manifest string
	// content is what an update changes, and to what; field is where.
	content []string
	value   any
	status  bool
}

// managedKinds are objects that a tenant may make for itself, too.
var managedKinds = []managedKind{
	{
		resource: schema.GroupVersionResource{Version: "v1", Resource: "resourcequotas"},
		manifest: `{apiVersion: v1, kind: ResourceQuota, spec: {hard: {secrets: "1"}}}`,
		content:  []string{"spec", "hard"}, value: map[string]any{"secrets": "2"},
		status: true,
	},
	{
		resource: schema.GroupVersionResource{Version: "v1", Resource: "limitranges"},
		manifest: `{apiVersion: v1, kind: LimitRange, spec: {limits: [{type: PersistentVolumeClaim, max: {storage: 1Gi}}]}}`,
		content:  []string{"spec", "limits"}, value: []any{},
	},
	{
		resource: schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
		manifest: `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {podSelector: {}, policyTypes: [Egress]}}`,
		content:  []string{"spec", "egress"}, value: []any{map[string]any{}},
	},
	{
		resource: schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
		manifest: `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}`,
		content:  []string{"rules"}, value: []any{},
	},
	{
		resource: schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
		manifest: `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: [{kind: ServiceAccount, name: default, namespace: doors-managed}]}`,
		content:  []string{"subjects"}, value: []any{},
	},
}

// managedLabels mark an object as usher's, for a tenant that no controller looks
// after.
var managedLabels = map[string]string{"app.kubernetes.io/managed-by": "usher", "usher.dev/tenant": "doors"}

// managedDoors write and delete what usher manages; without its labels they are
// the tenant's own.
func managedDoors(t *testing.T) []wholeDoor {
	t.Helper()
	namespace := shared.namespace(t, "doors-managed", "tenant-a")
	var doors []wholeDoor
	for _, kind := range managedKinds {
		add := func(verb, words, field string, try func(t *testing.T, u *user, object *unstructured.Unstructured) error) {
			doors = append(doors, wholeDoor{
				name: verb + " " + kind.resource.Resource, words: words, policy: "managed_objects", field: field,
				try: func(t *testing.T, violate bool) error {
					object := generated(t, decode(t, kind.manifest))
					object.SetNamespace(namespace)
					object.SetLabels(map[string]string{"app": "doors"})
					if violate {
						object.SetLabels(managedLabels)
					}
					return try(t, shared.as(t, developer), object)
				},
			})
		}
		existing := func(t *testing.T, object *unstructured.Unstructured) *unstructured.Unstructured {
			t.Helper()
			created, err := shared.admin(t).create(t.Context(), kind.resource, object)
			if err != nil {
				t.Fatal(err)
			}
			return created
		}
		add("create", "a developer makes one that is labelled as usher's (clean: without the labels)", "metadata.labels",
			func(t *testing.T, u *user, object *unstructured.Unstructured) error {
				_, err := u.create(t.Context(), kind.resource, object)
				return err
			})
		add("update", "a developer changes usher's (clean: its own)", "", func(t *testing.T, u *user, object *unstructured.Unstructured) error {
			object = existing(t, object)
			set(t, object.Object, kind.value, kind.content...)
			_, err := u.update(t.Context(), kind.resource, object)
			return err
		})
		if kind.status {
			add("update", "a developer changes what usher's counts (clean: its own)", "status", func(t *testing.T, u *user, object *unstructured.Unstructured) error {
				object = existing(t, object)
				set(t, object.Object, map[string]any{"secrets": "0"}, "status", "used")
				_, err := u.update(t.Context(), kind.resource, object, "status")
				return err
			})
			doors[len(doors)-1].name += "/status"
		}
		add("delete", "a developer deletes usher's (clean: its own)", "", func(t *testing.T, u *user, object *unstructured.Unstructured) error {
			return u.Resource(kind.resource).Namespace(namespace).Delete(t.Context(), existing(t, object).GetName(), metav1.DeleteOptions{})
		})
		add("delete all", "a developer deletes usher's (clean: its own)", "", func(t *testing.T, u *user, object *unstructured.Unstructured) error {
			object = existing(t, object)
			selector := metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: object.GetLabels()})
			return u.Resource(kind.resource).Namespace(namespace).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: selector})
		})
	}
	return slices.Concat(doors, openingDoors(t, namespace), namespaceRemovalDoors(t), tenantDoors())
}

// openingDoors open from beside what usher manages.
func openingDoors(t *testing.T, namespace string) []wholeDoor {
	t.Helper()
	if err := shared.ApplyYAML(t.Context(), `{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: doors-network}, spec: {network: {}}}`); err != nil {
		t.Fatal(err)
	}
	isolated := shared.namespace(t, "doors-isolated", "doors-network")
	policies, bindings := managedKinds[2], managedKinds[4]
	services := schema.GroupVersionResource{Version: "v1", Resource: "services"}
	create := func(t *testing.T, in string, resource schema.GroupVersionResource, manifest string) error {
		object := generated(t, decode(t, manifest))
		object.SetNamespace(in)
		_, err := shared.as(t, developer).create(t.Context(), resource, object)
		return err
	}
	return []wholeDoor{
		{
			name: "create networkpolicies", policy: "managed_objects", field: "",
			words: "a developer makes one where the platform isolates the tenant (clean: where it does not)",
			try: func(t *testing.T, violate bool) error {
				return create(t, map[bool]string{true: isolated, false: namespace}[violate], policies.resource, policies.manifest)
			},
		},
		{
			name: "create rolebindings", policy: "managed_objects", field: "subjects",
			words: "a developer binds somebody else (clean: a service account of the namespace)",
			try: func(t *testing.T, violate bool) error {
				object := generated(t, decode(t, bindings.manifest))
				object.SetNamespace(namespace)
				if violate {
					set(t, object.Object, []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory"}}, "subjects")
				}
				_, err := shared.as(t, developer).create(t.Context(), bindings.resource, object)
				return err
			},
		},
		{
			name: "create services", policy: "managed_objects", field: "spec.externalIPs",
			words: "a developer names an external IP (clean: none)",
			try: func(t *testing.T, violate bool) error {
				addresses := map[bool]string{true: "[203.0.113.7]", false: "[]"}[violate]
				return create(t, namespace, services, fmt.Sprintf(`{apiVersion: v1, kind: Service, spec: {ports: [{port: 443}], externalIPs: %s}}`, addresses))
			},
		},
	}
}

// namespaceRemovalDoors take a tenant's namespace away.
func namespaceRemovalDoors(t *testing.T) []wholeDoor {
	t.Helper()
	doors := []wholeDoor{{
		name: "delete namespaces", policy: "managed_objects", field: "",
		words: "a developer deletes the own namespace (clean: one of no tenant)",
		try: func(t *testing.T, violate bool) error {
			name := shared.namespace(t, map[bool]string{true: "doors-kept", false: "doors-gone"}[violate], map[bool]string{true: "tenant-a", false: `""`}[violate])
			return shared.as(t, developer).Resource(namespaces).Delete(t.Context(), name, metav1.DeleteOptions{})
		},
	}}
	for _, subresource := range []string{"", "status", "finalize"} {
		d := wholeDoor{
			name: "update namespaces", policy: "managed_objects", field: "metadata.ownerReferences",
			words: "a developer gives the own namespace an owner, with which it goes (clean: an annotation)",
			try: func(t *testing.T, violate bool) error {
				name := shared.namespace(t, "doors-owned", "tenant-a")
				object, err := shared.admin(t).Resource(namespaces).Get(t.Context(), name, metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				object.SetAnnotations(map[string]string{"team": "vision" + subresource})
				if violate {
					object.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole", Name: "gone", UID: "6d2c9a41"}})
				}
				var subresources []string
				if subresource != "" {
					subresources = []string{subresource}
				}
				_, err = shared.as(t, developer).update(t.Context(), namespaces, object, subresources...)
				return err
			},
		}
		if subresource != "" {
			d.name += "/" + subresource
		}
		doors = append(doors, d)
	}
	return doors
}

// tenantDoors claim what another tenant has.
func tenantDoors() []wholeDoor {
	resource := schema.GroupVersionResource{Group: "usher.dev", Version: "v1alpha1", Resource: "tenants"}
	door := func(name string, try func(t *testing.T, own, pool string) error) wholeDoor {
		return wholeDoor{
			name: name, policy: "tenant_claims", field: "spec.nodePool",
			words: "a tenant gets the node pool of tenant-a (clean: one of its own)",
			try: func(t *testing.T, violate bool) error {
				own := map[bool]string{true: "doors-violating", false: "doors-clean"}[violate]
				return try(t, own, map[bool]string{true: "tenant-a", false: own + "-more"}[violate])
			},
		}
	}
	claim := func(t *testing.T, pool string) *unstructured.Unstructured {
		return generated(t, decode(t, fmt.Sprintf(`{apiVersion: usher.dev/v1alpha1, kind: Tenant, spec: {nodePool: {nodeSelector: {tenant: %s}}}}`, pool)))
	}
	return []wholeDoor{
		door("create tenants", func(t *testing.T, _, pool string) error {
			object, err := shared.admin(t).create(t.Context(), resource, claim(t, pool))
			if err == nil {
				err = shared.admin(t).Resource(resource).Delete(t.Context(), object.GetName(), metav1.DeleteOptions{})
			}
			return err
		}),
		door("update tenants", func(t *testing.T, own, pool string) error {
			admin := shared.admin(t)
			object, err := admin.create(t.Context(), resource, claim(t, own))
			if err != nil {
				t.Fatal(err)
			}
			// usher-controller writes it, too, so that an update would meet a newer one.
			patch := fmt.Sprintf(`{"spec": {"nodePool": {"nodeSelector": {"tenant": %q}}}}`, pool)
			_, err = admin.Resource(resource).Patch(t.Context(), object.GetName(), types.MergePatchType, []byte(patch), metav1.PatchOptions{})
			if gone := admin.Resource(resource).Delete(t.Context(), object.GetName(), metav1.DeleteOptions{}); gone != nil {
				t.Error(gone)
			}
			return err
		}),
	}
}
