package e2e

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"usher.dev/usher/test/e2e/repository"
)

const claimManifest = `
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {generateName: claim-}
spec:
  devices:
    requests:
      - {name: gpu, exactly: {deviceClassName: gpu.nvidia.com, allocationMode: ExactCount, count: 1}}
`

const claimTemplateManifest = `
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {generateName: claim-}
spec:
  spec:
    devices:
      requests:
        - {name: gpu, exactly: {deviceClassName: gpu.nvidia.com, allocationMode: ExactCount, count: 1}}
`

// claimViolations are what a tenant may not claim; each changes the request for devices.
var claimViolations = []struct {
	policy, words string
	request       map[string]any
}{
	{
		policy:  "gpu_quota",
		words:   "a class of devices that the tenant may not use",
		request: map[string]any{"deviceClassName": "other.example.com"},
	},
	{
		policy:  "gpu_quota",
		words:   "more devices than the tenant may have in one pod",
		request: map[string]any{"count": int64(9)},
	},
	{
		policy:  "gpu_quota",
		words:   "all devices there are",
		request: map[string]any{"allocationMode": "All", "count": nil},
	},
	{
		policy:  "gpu_escape",
		words:   "administrative access to devices in use",
		request: map[string]any{"adminAccess": true},
	},
}

// claimDoors make and change claims of devices.
func claimDoors(t *testing.T, namespace string) []wholeDoor {
	t.Helper()
	// Without this label the API server itself refuses administrative access.
	labelled := decode(t, `{apiVersion: v1, kind: Namespace, metadata: {labels: {resource.kubernetes.io/admin-access: "true"}}}`)
	labelled.SetName(namespace)
	manifest, err := repository.Encode(labelled)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := shared.Kubectl(t.Context(), manifest, "apply", "--server-side", "--field-manager=claims", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	var doors []wholeDoor
	for _, kind := range []struct {
		resource schema.GroupVersionResource
		manifest string
		spec     []string
	}{
		{claims, claimManifest, []string{"spec"}},
		{claimTemplates, claimTemplateManifest, []string{"spec", "spec"}},
	} {
		for _, verb := range []string{"create", "update"} {
			for _, v := range claimViolations {
				doors = append(doors, wholeDoor{
					name: verb + " " + kind.resource.Resource, words: v.words, policy: v.policy,
					field: strings.Join(kind.spec, ".") + ".devices",
					try: func(t *testing.T, violate bool) error {
						object := decode(t, kind.manifest)
						object.SetNamespace(namespace)
						u := shared.as(t, developer)
						if verb == "update" {
							var err error
							if object, err = u.create(t.Context(), kind.resource, object); err != nil {
								t.Fatal(err)
							}
							set(t, object.Object, "vision", "metadata", "labels", "team")
						}
						if violate {
							changeRequest(t, object, v.request, kind.spec)
						}
						if verb == "update" {
							_, err := u.update(t.Context(), kind.resource, object)
							return err
						}
						_, err := u.create(t.Context(), kind.resource, object)
						return err
					},
				})
			}
		}
	}
	return doors
}

// changeRequest changes the first request for devices in a claim; nil removes a field.
func changeRequest(t *testing.T, object *unstructured.Unstructured, changes map[string]any, spec []string) {
	t.Helper()
	path := append(slices.Clip(spec), "devices", "requests")
	requests, found, err := unstructured.NestedSlice(object.Object, path...)
	if err != nil || !found {
		t.Fatalf("the claim has no requests: %v", err)
	}
	exactly := requests[0].(map[string]any)["exactly"].(map[string]any)
	for key, value := range changes {
		if value == nil {
			delete(exactly, key)
		} else {
			exactly[key] = value
		}
	}
	set(t, object.Object, requests, path...)
}
