package e2e

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// dryCreate asks for a pod with GPUs that is judged and not stored.
func dryCreate(t *testing.T, u *user, namespace string, gpus int) error {
	t.Helper()
	pod := decode(t, fmt.Sprintf(podManifest, "asked", "app:1", gpus))
	_, err := u.Resource(pods).Namespace(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

func TestChangesOfATenantAreSeen(t *testing.T) {
	const tenant = `{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: growing}, spec: {gpu: {perContainer: "%d"}}}`
	if err := shared.ApplyYAML(t.Context(), fmt.Sprintf(tenant, 2)); err != nil {
		t.Fatal(err)
	}
	namespace, u := shared.namespace(t, "growing", "growing"), shared.as(t, developer)
	for _, granted := range []int{2, 6, 1} {
		if err := shared.ApplyYAML(t.Context(), fmt.Sprintf(tenant, granted)); err != nil {
			t.Fatal(err)
		}
		eventually(t, fmt.Sprintf("the tenant may have %d GPUs", granted), func() (struct{}, error) {
			return struct{}{}, dryCreate(t, u, namespace, granted)
		})
		eventually(t, fmt.Sprintf("the tenant may not have %d GPUs", granted+1), func() (struct{}, error) {
			return struct{}{}, expectDenial(dryCreate(t, u, namespace, granted+1))
		})
	}
}

func TestChangesOfANamespaceAreSeen(t *testing.T) {
	namespace, u := shared.namespace(t, "moving", "tenant-a"), shared.as(t, developer)
	label := func(label string) {
		t.Helper()
		if _, _, err := shared.Kubectl(t.Context(), "", "label", "--overwrite", "namespace", namespace, label); err != nil {
			t.Fatal(err)
		}
	}
	if err := dryCreate(t, u, namespace, 2); err != nil {
		t.Fatal(err)
	}

	label("tenant=tenant-b")
	eventually(t, "the namespace is another tenant's, without GPUs", func() (struct{}, error) {
		return struct{}{}, expectDenial(dryCreate(t, u, namespace, 2))
	})
	label("tenant=nobody")
	eventually(t, "the namespace names a tenant that does not exist", func() (struct{}, error) {
		err := dryCreate(t, u, namespace, 0)
		if expectDenial(err) == nil && strings.Contains(err.Error(), "tenant_isolation/tenant-exists") {
			return struct{}{}, nil
		}
		return struct{}{}, fmt.Errorf("the pod was answered: %w", err)
	})
	label("tenant=tenant-a")
	eventually(t, "the namespace is the first tenant's again", func() (struct{}, error) {
		return struct{}{}, dryCreate(t, u, namespace, 2)
	})

	label("policy.usher.dev/gpu_quota=warn")
	warned := eventually(t, "the policy only warns", func() ([]string, error) {
		u.warnings.take()
		err := dryCreate(t, u, namespace, 3)
		return u.warnings.take(), err
	})
	if all := strings.Join(warned, "\n"); !strings.Contains(all, "[gpu_quota/") {
		t.Errorf("the user was warned of %q, not by gpu_quota", all)
	}
}

// TestNewNamespaceIsKnownAtOnce uses namespaces faster than a watch may bring
// them to usher.
func TestNewNamespaceIsKnownAtOnce(t *testing.T) {
	admin := shared.admin(t)
	for i := range 20 {
		namespace := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
		namespace.SetName(fmt.Sprintf("sudden-%d", i))
		namespace.SetLabels(map[string]string{"tenant": "tenant-a"})
		if _, err := admin.create(t.Context(), namespaces, namespace); err != nil {
			t.Fatal(err)
		}
		if err := dryCreate(t, admin, namespace.GetName(), 2); err != nil {
			t.Errorf("a clean pod in a new namespace: %v", err)
		}
		if err := expectDenial(dryCreate(t, admin, namespace.GetName(), 3)); err != nil {
			t.Errorf("a violating pod in a new namespace %v", err)
		}
	}
}
