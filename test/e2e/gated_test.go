package e2e

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestAGatedPodIsJudgedWhenItsPlaceChanges updates a pod that waits behind a
// scheduling gate: of such a pod, Kubernetes lets node selector and affinity
// change.
func TestAGatedPodIsJudgedWhenItsPlaceChanges(t *testing.T) {
	namespace, u := shared.namespace(t, "gated", "tenant-a"), shared.as(t, developer)
	pod := newObject(t, podKinds[0], namespace, "gated")
	set(t, pod.Object, []any{map[string]any{"name": "e2e.usher.dev/wait"}}, "spec", "schedulingGates")
	if _, err := u.create(t.Context(), pods, pod); err != nil {
		t.Fatal(err)
	}
	patch := func(spec string) error {
		_, err := u.Resource(pods).Namespace(namespace).Patch(t.Context(), "gated", types.MergePatchType,
			[]byte(`{"spec": `+spec+`}`), metav1.PatchOptions{})
		return err
	}
	const affinity = `{"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
		{"matchExpressions": [{"key": "tenant", "operator": "In", "values": ["tenant-b"]}]}]}}}}`
	if err := expectDenial(patch(affinity)); err != nil {
		t.Errorf("an affinity for another tenant's nodes %v", err)
	}
	for _, clean := range []string{
		`{"nodeSelector": {"zone": "a"}}`,
		`{"schedulingGates": null}`,
	} {
		if err := patch(clean); err != nil {
			t.Errorf("the change %s: %v", clean, err)
		}
	}
}
