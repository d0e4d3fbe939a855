package e2e

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestALargePodPasses brings a pod of a thousand containers through the match
// conditions, whose cost the API server limits, and through usher, with every
// kind of update.
func TestALargePodPasses(t *testing.T) {
	const containers = 1000
	namespace, u := shared.namespace(t, "large", "tenant-a"), shared.as(t, developer)
	pod := newObject(t, podKinds[0], namespace, "large")
	spec := podOf(t, podKinds[0], pod)["spec"].(map[string]any)
	var many []any
	for i := range containers {
		container := cleanContainer(t, "containers")
		container["name"] = fmt.Sprintf("container-%d", i)
		many = append(many, container)
	}
	spec["containers"] = many
	if _, err := u.create(t.Context(), pods, pod); err != nil {
		t.Fatal(err)
	}
	for _, patch := range []string{
		`[{"op": "add", "path": "/metadata/finalizers", "value": ["e2e.usher.dev/wait"]}]`,
		`[{"op": "add", "path": "/metadata/labels/team", "value": "vision"}]`,
		`[{"op": "replace", "path": "/spec/containers/999/image", "value": "app:2"}]`,
		`[{"op": "remove", "path": "/metadata/finalizers"}]`,
	} {
		_, err := u.Resource(pods).Namespace(namespace).Patch(t.Context(), "large", types.JSONPatchType, []byte(patch), metav1.PatchOptions{})
		if err != nil {
			t.Errorf("%s: %v", patch, err)
		}
	}
}
