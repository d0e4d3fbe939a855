package scheduling

import (
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	tenantLabel = "tenant"
	// tenant is whose pods and nodes the tests use.
	tenant = "lab"
)

const tenantManifest = `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: lab}
spec:
  nodePool: {}
  gpu: {perPod: "8", resources: ["nvidia.com/*"]}
`

// namespace makes a namespace of the tenant for the pods of one test, which may
// run more than once.
func (c *cluster) namespace(t *testing.T, name string, labels map[string]string) {
	t.Helper()
	all := map[string]string{tenantLabel: tenant}
	maps.Copy(all, labels)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: all}}
	if _, err := c.client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// policyMode is that of gpu_scheduling, by which pods that require a topology
// may go to no other scheduler than the one that knows topologies.
func policyMode(scheduler string) string {
	if scheduler != defaultScheduler {
		return "enforce"
	}
	return "off"
}
