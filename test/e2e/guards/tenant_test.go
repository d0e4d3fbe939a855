package guards

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/repository"
)

// patience is how long a test waits for what controllers do.
const patience = time.Minute

var (
	namespaces      = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	quotas          = schema.GroupVersionResource{Version: "v1", Resource: "resourcequotas"}
	limitRanges     = schema.GroupVersionResource{Version: "v1", Resource: "limitranges"}
	services        = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	configMaps      = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	networkPolicies = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"}
	roles           = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"}
	roleBindings    = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"}
	tenants         = schema.GroupVersionResource{Group: "usher.dev", Version: "v1alpha1", Resource: "tenants"}
)

// tenantManifest is a tenant of that name with one namespace of that name, in
// which usher makes something of each kind that it manages.
const tenantManifest = `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: %[1]s}
spec:
  owners:
    - {kind: User, name: alice@example.com, role: Admin}
    - {kind: User, name: bob@example.com, role: Developer}
  namespaces: [%[1]s]
  podSecurity: {enforce: baseline}
  quota: {pods: "100"}
  resourceQuota: {hard: {configmaps: "10", services: "10"}}
  limitRange: {limits: [{type: Container, max: {cpu: "8"}}]}
  network:
    egress: [{cidr: 0.0.0.0/0}]
    policies:
      from-ingress: {podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 8080}]}]}
`

// further is what the platform itself adds to a tenant's namespace: a Role that is
// labelled as usher's, of which kind it makes none, and bindings to more than
// usher's roles.
const further = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: managed, namespace: %[1]s, labels: {app.kubernetes.io/managed-by: usher, usher.dev/tenant: %[1]s}}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: admins, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: carol@example.com}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: cluster-admins, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: dave@example.com}
  - {kind: ServiceAccount, name: operator, namespace: %[1]s}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: operator, namespace: %[1]s}
`

// tenant makes a tenant, waits until usher has made all that it manages, and takes
// it and its namespace away in the end.
func (c *cluster) tenant(t *testing.T, name string) {
	t.Helper()
	if err := c.ApplyYAML(t.Context(), fmt.Sprintf(tenantManifest, name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.sweep(t, name, name) })
	c.awaitReady(t, name)
	if err := c.ApplyYAML(t.Context(), fmt.Sprintf(further, name)); err != nil {
		t.Fatal(err)
	}
}

// sweep takes a tenant and its namespaces away.
func (c *cluster) sweep(t *testing.T, tenant string, namespaces ...string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for kind, names := range map[string][]string{"tenant": {tenant}, "namespace": namespaces} {
		arguments := append([]string{"delete", kind, "--ignore-not-found", "--wait=false"}, names...)
		if _, _, err := c.Kubectl(ctx, "", arguments...); err != nil {
			t.Error(err)
		}
	}
}

func (c *cluster) awaitReady(t *testing.T, name string) {
	t.Helper()
	await.Success(t, patience, "tenant "+name+" is ready", func() (struct{}, error) {
		tenant, err := c.admin.Resource(tenants).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return struct{}{}, err
		}
		conditions, _, _ := unstructured.NestedSlice(tenant.Object, "status", "conditions")
		for _, condition := range conditions {
			condition := condition.(map[string]any)
			if condition["type"] == "Ready" && condition["status"] == "True" && condition["observedGeneration"] == tenant.GetGeneration() {
				return struct{}{}, nil
			}
		}
		return struct{}{}, fmt.Errorf("conditions %v", conditions)
	})
}

// decode reads one object.
func decode(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	objects, err := repository.Decode([]byte(manifest))
	if err != nil || len(objects) != 1 {
		t.Fatalf("%d objects, %v, in\n%s", len(objects), err, manifest)
	}
	return objects[0]
}
