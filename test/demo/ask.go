package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	jsonpatch "github.com/evanphx/json-patch/v5"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// ask sends a sample to both webhooks in the API server's order.
func (s *server) ask(ctx context.Context, from sample) (answer, error) {
	object, err := from.object.MarshalJSON()
	if err != nil {
		return answer{}, err
	}
	var a answer
	if a.mutate, err = s.post(ctx, "/mutate", from, object); err != nil || !a.mutate.Allowed {
		return a, err
	}
	if len(a.mutate.Patch) > 0 {
		patch, err := jsonpatch.DecodePatch(a.mutate.Patch)
		if err != nil {
			return a, fmt.Errorf("decode the patch: %w", err)
		}
		if object, err = patch.Apply(object); err != nil {
			return a, fmt.Errorf("apply the patch: %w", err)
		}
	}
	a.validate, err = s.post(ctx, "/validate", from, object)
	return a, err
}

// post sends the creation of object to one webhook.
func (s *server) post(ctx context.Context, door string, from sample, object []byte) (*admissionv1.AdmissionResponse, error) {
	body, err := json.Marshal(review(from, object))
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+door+"?timeout=10s", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	content, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	if reply.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", door, reply.Status, content)
	}
	var got admissionv1.AdmissionReview
	if err := json.Unmarshal(content, &got); err != nil {
		return nil, fmt.Errorf("%s: decode the answer: %w", door, err)
	}
	if got.Response == nil {
		return nil, fmt.Errorf("%s: an answer without a response", door)
	}
	return got.Response, nil
}

// review is what an API server sends when a tenant's user creates object.
func review(from sample, object []byte) admissionv1.AdmissionReview {
	kind := from.object.GroupVersionKind()
	resource, _ := meta.UnsafeGuessKindToResource(kind)
	return admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID:       types.UID("demo-" + from.file),
			Kind:      metav1.GroupVersionKind(kind),
			Resource:  metav1.GroupVersionResource(resource),
			Name:      from.object.GetName(),
			Namespace: from.object.GetNamespace(),
			Operation: admissionv1.Create,
			UserInfo:  authenticationv1.UserInfo{Username: "alice", Groups: []string{"system:authenticated"}},
			Object:    runtime.RawExtension{Raw: object},
		},
	}
}
