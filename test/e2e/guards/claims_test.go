package guards

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/test/e2e/await"
)

// TestTwoTenantsClaimNothingTogether makes one tenant, and others that want what it
// has.
func TestTwoTenantsClaimNothingTogether(t *testing.T) {
	client := shared.admin.Resource(tenants)
	create := func(manifest string) error {
		_, err := client.Create(t.Context(), decode(t, manifest), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	first := decode(t, `{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: first}, spec: {namespaces: [claimed], nodePool: {nodeSelector: {gpu: a100}}}}`)
	if _, err := client.Create(t.Context(), first, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shared.sweep(t, "first", "claimed", "more-of-it") })
	for _, tt := range []struct{ name, manifest, check string }{
		{"its namespace", `{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: second}, spec: {namespaces: [claimed]}}`, "tenant_claims/namespace"},
		{"its nodes", `{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: second}, spec: {nodePool: {nodeSelector: {gpu: a100, zone: z1}}}}`, "tenant_claims/node-pool"},
		{"its taint", `{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: second}, spec: {nodePool: {taint: {key: tenant, value: first}}}}`, "tenant_claims/node-pool"},
		{"a parameter that no policy has", `{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: second}, spec: {parameters: {resource_limits: {max: {cpu: "1"}}}}}`, "usher/parameters"},
	} {
		// The webhook knows the first tenant by its watch.
		await.Success(t, patience, tt.name+" is refused", func() (struct{}, error) {
			return struct{}{}, deniedFor(create(tt.manifest), tt.check)
		})
	}
	err := create(`{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: second}, spec: {namespaces: [claimed]}}`)
	if want := `spec.namespaces[0]: namespace "claimed" is also claimed by Tenant "first"; take it out of one of them`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the refusal does not say %s: %v", want, err)
	}
	if err := create(`{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: second}, spec: {namespaces: [other], nodePool: {}}}`); err != nil {
		t.Error("what nobody else has:", err)
	}
	if _, err := client.Patch(t.Context(), "first", types.MergePatchType, []byte(`{"spec": {"namespaces": ["claimed", "more-of-it"]}}`), metav1.PatchOptions{}); err != nil {
		t.Error("more of its own:", err)
	}
	_, warning, err := shared.Kubectl(t.Context(), "", "patch", "tenant", "first", "--type=merge", "--patch", `{"spec": {"parameters": {"no_policy": {}}}}`)
	if err != nil || !strings.Contains(warning, `Warning: spec.parameters.no_policy: there is no policy "no_policy"`) {
		t.Errorf("parameters of no policy: %v, %q", err, warning)
	}
}
