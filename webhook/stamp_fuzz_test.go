package webhook

import (
	"context"
	"encoding/json"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/jsondoc"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/quota"
)

// fakeTenancy is a cluster in which every namespace is the tenant a's.
type fakeTenancy struct{ fakeEverywhere }

func (fakeTenancy) Namespace(_ context.Context, name string) (map[string]any, error) {
	return map[string]any{"metadata": map[string]any{"name": name, "labels": map[string]any{"tenant": "a"}}}, nil
}

// noLedger is there and has no ledger of anyone.
type noLedger struct{}

func (noLedger) Document(context.Context, string, quota.Ask) (map[string]any, error) { return nil, nil }

func (noLedger) Reserve(context.Context, string, quota.Ask, func(context.Context, map[string]any) bool) error {
	return quota.ErrNotCounted
}

// FuzzStamp creates pods and claims of any shape in a tenant's namespace. The
// patch applies, and leaves everything but the one label as it was.
func FuzzStamp(f *testing.F) {
	const gpu = `"spec":{"containers":[{"resources":{"limits":{"nvidia.com/gpu":"1"}}}]}`
	for _, object := range []string{
		`{` + gpu + `}`,
		`{"metadata":{},` + gpu + `}`,
		`{"metadata":null,` + gpu + `}`,
		`{"metadata":{"labels":null},` + gpu + `}`,
		`{"metadata":{"labels":{}},` + gpu + `}`,
		`{"metadata":{"labels":{"usher.dev/reservation":"mine","usher.dev~1reservation":"other","a/b~c":"d"},"name":"x"},` + gpu + `}`,
		`{"metadata":{"labels":{"usher.dev/reservation":null}},` + gpu + `}`,
		`{"metadata":{"labels":{"usher.dev/reservation":"mine"}},"spec":{}}`,
		`{"metadata":{"labels":[]},` + gpu + `}`,
		`{"metadata":"no object",` + gpu + `}`,
		`{"metadata":{"labels":"no object"}}`,
		`{"spec":{"initContainers":[{},{"resources":{"requests":{"nvidia.com/gpu":1}}}],"containers":{}}}`,
		`{"spec":{"overhead":{"nvidia.com/gpu":"1"},"containers":[1,null,{"resources":[]},{"resources":{"limits":[]}}]}}`,
		`{"spec":[]}`,
	} {
		for _, kind := range []string{"Pod", "ResourceClaim"} {
			f.Add([]byte(object), kind)
		}
	}
	r, err := NewReviewer(func() verdict.Policies { return fakeYes{} }, fakeTenancy{}, noLedger{}, &v1alpha1.AdmissionConfiguration{TenantLabel: "tenant"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte, kind string) {
		before, err := jsondoc.Object(raw)
		if err != nil || kind != "Pod" && kind != "ResourceClaim" {
			return
		}
		group := map[string]string{"ResourceClaim": claimKind.group}[kind]
		body, err := json.Marshal(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": map[string]any{
			"uid": "u", "operation": Create, "namespace": "team", "kind": map[string]any{"group": group, "version": "v1", "kind": kind},
			"object": json.RawMessage(raw),
		}})
		if err != nil {
			t.Fatal(err)
		}
		req, err := DecodeReview(body)
		if err != nil {
			t.Fatal(err)
		}
		defer req.Release()
		out, err := r.Mutate(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if _, wrong := labelsIn(member(before, "metadata")); wrong != nil {
			if out.Allowed() && len(out.operations()) > 0 {
				t.Errorf("labels in what %s: %v", wrong.problem, out.operations())
			}
			return
		}
		response, err := out.Response("u")
		if err != nil || !out.Allowed() {
			t.Fatalf("%s, %v", out.Message(), err)
		}
		after := before
		if response.Patch != nil {
			after = patched(t, raw, response.Patch)
		}
		want := kind == "ResourceClaim" || names(map[string]any{"spec": before["spec"]}, r.weights.configured.IsGPU)
		label, has := takeLabel(after)
		if has != want || has && (label == "" || label == "mine" || len(validation.IsValidLabelValue(label)) > 0) {
			t.Errorf("the label is %q (there: %v), want one: %v", label, has, want)
		}
		takeLabel(before)
		if diff := cmp.Diff(tidy(before), tidy(after)); diff != "" {
			t.Error("more than the label changed (-before +after):\n" + diff)
		}
	})
}

func patched(t *testing.T, raw, operations []byte) map[string]any {
	t.Helper()
	patch, err := jsonpatch.DecodePatch(operations)
	if err != nil {
		t.Fatalf("decode %s: %v", operations, err)
	}
	raw, err = patch.Apply(raw)
	if err != nil {
		t.Fatalf("apply %s: %v", operations, err)
	}
	object, err := jsondoc.Object(raw)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// takeLabel takes the label of the reservation away and returns it.
func takeLabel(object map[string]any) (value string, there bool) {
	labels, _ := member(member(object, "metadata"), "labels").(map[string]any)
	v, there := labels[v1alpha1.ReservationLabel]
	delete(labels, v1alpha1.ReservationLabel)
	value, _ = v.(string)
	return value, there
}

// tidy makes one of absent, null and empty labels and metadata.
func tidy(object map[string]any) map[string]any {
	metadata, _ := object["metadata"].(map[string]any)
	if labels, ok := metadata["labels"].(map[string]any); len(labels) == 0 && (ok || metadata["labels"] == nil) {
		delete(metadata, "labels")
	}
	if object["metadata"] == nil || metadata != nil && len(metadata) == 0 {
		delete(object, "metadata")
	}
	return object
}
