package guards

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestNobodyOfATenantTakesItsNamespaceAway tries to delete the namespace, or to
// have it deleted or forgotten, through every subresource.
func TestNobodyOfATenantTakesItsNamespaceAway(t *testing.T) {
	const namespace = "taken"
	shared.tenant(t, namespace)
	before := shared.snapshot(t, namespace)
	foreground := metav1.DeletePropagationForeground
	for _, a := range shared.actors(t, namespace) {
		t.Run(a.name, func(t *testing.T) {
			client := a.Resource(namespaces)
			for name, options := range map[string]metav1.DeleteOptions{
				"delete":                    {},
				"delete: in the foreground": {PropagationPolicy: &foreground},
			} {
				if err := refused(client.Delete(t.Context(), namespace, options), !a.mayAll); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			for _, patch := range []string{
				`{"metadata": {"ownerReferences": [{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "gone", "uid": "6d2c9a41-4d3a-4b65-8a0b-5b1b5f0c7a10"}]}}`,
				`{"metadata": {"labels": {"usher.dev/made": null}}}`,
				`{"metadata": {"labels": {"usher.dev/tenant": "other"}}}`,
				`{"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}}`,
				`{"metadata": {"labels": {"tenant": null}}}`,
				`{"metadata": {"labels": {"tenant": "other"}}}`,
				`{"metadata": {"labels": null}}`,
				`{"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}`,
				`{"metadata": {"labels": {"policy.usher.dev/managed_objects": "off"}}}`,
			} {
				for _, subresources := range [][]string{nil, {"status"}} {
					_, err := client.Patch(t.Context(), namespace, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresources...)
					if err := refused(err, !a.mayAll); err != nil {
						t.Errorf("patch %s through %v: %v", patch, subresources, err)
					}
				}
			}
			object, err := shared.admin.Resource(namespaces).Get(t.Context(), namespace, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			object.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole", Name: "gone", UID: "6d2c9a41"}})
			_, err = client.Update(t.Context(), object, metav1.UpdateOptions{}, "finalize")
			if err := refused(err, !a.mayAll); err != nil {
				t.Errorf("owner through finalize: %v", err)
			}
		})
	}
	if diff := cmp.Diff(before, shared.snapshot(t, namespace)); diff != "" {
		t.Errorf("what is managed changed (-before +after):\n%s", diff)
	}
}

// TestATenantsOwnMarksOnItsNamespaceAreItsOwn changes what nobody manages.
func TestATenantsOwnMarksOnItsNamespaceAreItsOwn(t *testing.T) {
	const namespace = "marked"
	shared.tenant(t, namespace)
	patch := `{"metadata": {"labels": {"team": "vision"}, "annotations": {"team": "vision"}}}`
	if _, err := shared.boss(t).Resource(namespaces).Patch(t.Context(), namespace, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Error(err)
	}
}
