package guards

import (
	"encoding/json"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// managedKind is a kind of which usher manages objects, and how somebody would
// weaken one.
type managedKind struct {
	resource schema.GroupVersionResource
	// weaker is a merge patch, pointer and value the same as a JSON patch.
	pointer, value string
	weaker         string
	// status is a merge patch through the status subresource, where there is one.
	status string
}

var managedKinds = []managedKind{
	{
		resource: quotas,
		pointer:  "/spec/hard", value: `{"pods": "9999"}`,
		weaker: `{"spec": {"hard": {"pods": "9999", "configmaps": "9999"}}}`,
		status: `{"status": {"used": {"pods": "0", "configmaps": "0"}}}`,
	},
	{resource: limitRanges, pointer: "/spec/limits", value: `[]`, weaker: `{"spec": {"limits": []}}`},
	{
		resource: networkPolicies,
		pointer:  "/spec", value: `{"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}`,
		weaker: `{"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]}}`,
	},
	{resource: roles, pointer: "/rules", value: `[]`, weaker: `{"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}`},
	{
		resource: roleBindings,
		pointer:  "/subjects", value: `[{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory@example.com"}]`,
		weaker: `{"subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated"}]}`,
	},
}

const managedSelector = "app.kubernetes.io/managed-by=usher,usher.dev/tenant"

// managed are the objects of a kind that usher manages in a namespace.
func (c *cluster) managed(t *testing.T, namespace string, kind managedKind) []unstructured.Unstructured {
	t.Helper()
	list, err := c.admin.Resource(kind.resource).Namespace(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: managedSelector})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// snapshot is all that is managed in a namespace: what it says, whose fields they
// are, and that it is still the same object. Kubernetes counts in the status of
// quotas.
func (c *cluster) snapshot(t *testing.T, namespace string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, kind := range managedKinds {
		for _, object := range c.managed(t, namespace, kind) {
			name := object.GetKind() + " " + object.GetName()
			if kind.resource == quotas {
				unstructured.RemoveNestedField(object.Object, "status")
				object.SetResourceVersion("")
				object.SetManagedFields(nil)
			}
			encoded, err := json.Marshal(object.Object)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = string(encoded)
		}
	}
	ns, err := c.admin.Resource(namespaces).Get(t.Context(), namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all["Namespace"] = fmt.Sprint(ns.GetUID(), ns.GetLabels(), ns.GetOwnerReferences(), ns.GetDeletionTimestamp())
	return all
}
