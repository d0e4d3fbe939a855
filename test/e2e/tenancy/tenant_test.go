package tenancy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/repository"
)

// patience is how long a test waits for what the controller does.
const patience = time.Minute

// tenant makes a Tenant of YAML, and removes it and all its namespaces in the end.
func (c *cluster) tenant(t testing.TB, manifest string) *v1alpha1.Tenant {
	t.Helper()
	tenant := c.lastingTenant(t, manifest)
	t.Cleanup(func() { c.sweep(t, tenant.Name) })
	return tenant
}

// lastingTenant makes a Tenant of YAML.
func (c *cluster) lastingTenant(t testing.TB, manifest string) *v1alpha1.Tenant {
	t.Helper()
	tenant := &v1alpha1.Tenant{}
	if err := yaml.UnmarshalStrict([]byte(manifest), tenant); err != nil {
		t.Fatal(err)
	}
	if err := c.Create(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	return tenant
}

// sweep takes a tenant away with all that is its, whether a controller runs or not.
func (c *cluster) sweep(t testing.TB, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tenant := &v1alpha1.Tenant{}
	if err := c.Get(ctx, types.NamespacedName{Name: name}, tenant); err == nil {
		tenant.Finalizers = nil
		_ = c.Update(ctx, tenant)
		_ = c.Delete(ctx, tenant)
	}
	var namespaces corev1.NamespaceList
	for _, label := range []string{"tenant", "usher.dev/tenant"} {
		if err := c.List(ctx, &namespaces, client.MatchingLabels{label: name}); err != nil {
			t.Error(err)
		}
		for i := range namespaces.Items {
			_ = c.Delete(ctx, &namespaces.Items[i])
		}
	}
}

// awaitCondition waits until a condition of a tenant has a status, and a reason
// where one is given.
func (c *cluster) awaitCondition(t testing.TB, tenant, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	t.Helper()
	return await.Success(t, patience, fmt.Sprintf("Tenant %s: %s is %s", tenant, kind, status), func() (metav1.Condition, error) {
		read := &v1alpha1.Tenant{}
		if err := c.Get(t.Context(), types.NamespacedName{Name: tenant}, read); err != nil {
			return metav1.Condition{}, err
		}
		condition := apimeta.FindStatusCondition(read.Status.Conditions, kind)
		if condition == nil || condition.ObservedGeneration != read.Generation || condition.Status != status || reason != "" && condition.Reason != reason {
			return metav1.Condition{}, fmt.Errorf("conditions: %+v", read.Status.Conditions)
		}
		return *condition, nil
	})
}

func (c *cluster) awaitReady(t testing.TB, tenants ...string) {
	t.Helper()
	for _, tenant := range tenants {
		c.awaitCondition(t, tenant, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}
}

// awaitTrue waits until something holds that says itself why it does not.
func awaitTrue(t testing.TB, what string, holds func() error) {
	t.Helper()
	await.Success(t, patience, what, func() (struct{}, error) { return struct{}{}, holds() })
}

// file reads a file of the repository.
func file(t testing.TB, path ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{repository.Root()}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}
