package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	jsonpatch "github.com/evanphx/json-patch/v5"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// reviews keeps each request and the version's answers to it, in the order in which
// an API server asks: what /validate is asked about is as /mutate has patched it.
func (c *cluster) reviews(ctx context.Context) error {
	client, err := c.asAPIServer()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.requests)) {
		object, err := c.requests[name].MarshalJSON()
		if err != nil {
			return err
		}
		for _, door := range []string{"mutate", "validate"} {
			review := reviewOf(name, c.requests[name], object)
			if err := c.post(ctx, client, door, review); err != nil {
				return fmt.Errorf("%s of %s: %w", door, name, err)
			}
			content, err := json.MarshalIndent(review, "", " ")
			if err != nil {
				return err
			}
			if err := c.recorder.write("reviews/"+name+"."+door+".json", append(content, '\n')); err != nil {
				return err
			}
			if !review.Response.Allowed {
				break
			}
			if object, err = patched(object, review.Response.Patch); err != nil {
				return err
			}
		}
	}
	return nil
}

// asAPIServer is a client with the certificate by which the API server asks.
func (c *cluster) asAPIServer() (*http.Client, error) {
	pair, err := c.ClientAuthority().Client("kube-apiserver")
	if err != nil {
		return nil, err
	}
	certificate, err := pair.TLS()
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: c.ServingAuthority().Pool(), Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
	}}}, nil
}

// post asks the webhook and puts its response beside the request.
func (c *cluster) post(ctx context.Context, client *http.Client, door string, review *admissionv1.AdmissionReview) error {
	body, err := json.Marshal(review)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+c.Address()+"/"+door+"?timeout=10s", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = reply.Body.Close() }()
	content, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(content, &answer); err != nil || answer.Response == nil {
		return fmt.Errorf("%s, no response: %s: %w", reply.Status, content, err)
	}
	review.Response = answer.Response
	return nil
}

func patched(object, patch []byte) ([]byte, error) {
	if len(patch) == 0 {
		return object, nil
	}
	decoded, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, err
	}
	return decoded.Apply(object)
}

// reviewOf is what an API server sends when a tenant's user tries to create an
// object without making it.
func reviewOf(name string, of *unstructured.Unstructured, object []byte) *admissionv1.AdmissionReview {
	kind := of.GroupVersionKind()
	resource, _ := meta.UnsafeGuessKindToResource(kind)
	dryRun := true
	return &admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: types.UID(name), Kind: metav1.GroupVersionKind(kind), Resource: metav1.GroupVersionResource(resource),
			Name: of.GetName(), Namespace: of.GetNamespace(), Operation: admissionv1.Create, DryRun: &dryRun,
			UserInfo: authenticationv1.UserInfo{Username: "alice", Groups: []string{"system:authenticated"}},
			Object:   runtime.RawExtension{Raw: object},
		},
	}
}
