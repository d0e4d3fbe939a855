package e2e

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/repository"
)

// developer is a user who may do everything in a tenant's namespaces, as far as
// RBAC goes.
const developer = "developer"

// tenants are two customers with a pool of nodes each, a role for their
// developers that leaves everything to usher, and somebody else who may make
// namespaces.
const tenants = `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: tenant-a}
spec:
  nodePool: {}
  gpu:
    perContainer: "2"
    perPod: "4"
    resources: [nvidia.com/gpu]
    deviceClasses: [gpu.nvidia.com]
  parameters:
    resource_limits: {container_max: {cpu: "8"}}
---
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: tenant-b}
spec:
  nodePool: {}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: developer}
rules:
  - {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: namespace-maker}
rules:
  - {apiGroups: [""], resources: [namespaces], verbs: [get, create, update, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: namespace-maker}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: namespace-maker}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: namespace-maker}
`

// tenantNamespace is a namespace of tenant-a in which developer may do everything.
const tenantNamespace = `
apiVersion: v1
kind: Namespace
metadata:
  name: %[1]s
  labels: {tenant: %[2]s, pod-security.kubernetes.io/enforce: restricted}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: developer, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: developer}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: developer}
`

// namespace makes a namespace of a tenant for one test.
func (c *cluster) namespace(t *testing.T, name, tenant string) string {
	t.Helper()
	if err := c.ApplyYAML(t.Context(), fmt.Sprintf(tenantNamespace, name, tenant)); err != nil {
		t.Fatal(err)
	}
	return name
}

// decode reads one object.
func decode(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	objects, err := repository.Decode([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 1 {
		t.Fatalf("the manifest holds %d objects, want 1:\n%s", len(objects), manifest)
	}
	return objects[0]
}
