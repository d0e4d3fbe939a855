package e2e

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// unjudged is a namespace in which every policy is off.
const unjudged = `
apiVersion: v1
kind: Namespace
metadata:
  name: %s
  labels:
    policy.usher.dev/gpu_escape: "off"
    policy.usher.dev/gpu_quota: "off"
    policy.usher.dev/gpu_scheduling: "off"
    policy.usher.dev/pod_security: "off"
    policy.usher.dev/resource_limits: "off"
    policy.usher.dev/tenant_isolation: "off"
`

// grandfather creates an object that violates policies in a namespace that
// becomes a tenant's, and judged, only afterwards.
func grandfather(t *testing.T, resource schema.GroupVersionResource, object *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	namespace := object.GetNamespace()
	if err := shared.ApplyYAML(t.Context(), fmt.Sprintf(unjudged, namespace)); err != nil {
		t.Fatal(err)
	}
	created, err := shared.admin(t).create(t.Context(), resource, object)
	if err != nil {
		t.Fatal(err)
	}
	shared.namespace(t, namespace, "tenant-a")
	another := object.DeepCopy()
	another.SetName("another")
	eventually(t, "another one like it is denied", func() (struct{}, error) {
		_, err := shared.as(t, developer).Resource(resource).Namespace(namespace).
			Create(t.Context(), another, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return struct{}{}, expectDenial(err)
	})
	return created
}
