package soak

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/steady/load"
)

// remembered is more than the answers that one query of a policy remembers: once as
// many inputs were new, there is room for a new one only where an old one goes
// (internal/engine, rememberedInputs).
const remembered = 8500

// asking is how many reviews a replica is sent at once.
const asking = 4

// What is asked about. The verbs take a namespace and a number.
const (
	newPod = `{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"%[1]s","name":"fill-%[2]d","labels":{"fill":"%[2]d",` +
		`"usher.dev/reservation":"fill%022[2]d"}},"spec":{"nodeSelector":{"tenant":"%[1]s"},` +
		`"tolerations":[{"key":"tenant","operator":"Equal","value":"%[1]s","effect":"NoSchedule"}],` +
		`"containers":[{"name":"c%[2]d","image":"fill:%[2]d","resources":{"limits":{"cpu":"100m","memory":"64Mi","nvidia.com/gpu":"1"},` +
		`"requests":{"cpu":"100m","memory":"64Mi","nvidia.com/gpu":"1"}}}]}}`
	newDeployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"namespace":"%[1]s","name":"fill-%[2]d"},"spec":{` +
		`"selector":{"matchLabels":{"fill":"%[2]d"}},"template":{"metadata":{"labels":{"fill":"%[2]d"}},"spec":{"containers":[` +
		`{"name":"c%[2]d","image":"fill:%[2]d","resources":{"limits":{"cpu":"100m","memory":"64Mi"}}}]}}}}`
)

// ask is a kind of review that fills what is remembered.
type ask struct {
	path     string
	kind     metav1.GroupVersionKind
	resource metav1.GroupVersionResource
	object   string
}

var asks = []ask{
	{"/mutate", metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, metav1.GroupVersionResource{Version: "v1", Resource: "pods"}, newPod},
	{"/validate", metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, metav1.GroupVersionResource{Version: "v1", Resource: "pods"}, newPod},
	{
		"/validate",
		metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"},
		metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"},
		newDeployment,
	},
}

// fill asks every webhook, past the API server, about so many objects that are all
// different, so that what it remembers of answers is full and grows no more. All are
// dry runs: nothing is reserved.
func fill(ctx context.Context, installed *installation.Installation, objects int) error {
	pair, err := installed.ClientAuthority().Client("kube-apiserver")
	if err != nil {
		return err
	}
	certificate, err := pair.TLS()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, unit := range installed.Webhooks {
		client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate},
			InsecureSkipVerify: true, // it serves under the name of its Service
		}}}
		var next atomic.Int64
		for range asking {
			group.Go(func() error {
				for n := next.Add(1); n <= int64(objects); n = next.Add(1) {
					for _, a := range asks {
						if err := a.send(ctx, client, unit.Serves(), n); err != nil {
							return fmt.Errorf("fill what webhooks remember: %w", err)
						}
					}
				}
				return nil
			})
		}
	}
	return group.Wait()
}

func (a *ask) send(ctx context.Context, client *http.Client, address string, n int64) error {
	namespace := load.Tenants[n%int64(len(load.Tenants))]
	name := fmt.Sprint("fill-", n)
	body, err := json.Marshal(&admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: types.UID(name), Kind: a.kind, Resource: a.resource, RequestKind: &a.kind, RequestResource: &a.resource,
			Namespace: namespace, Name: name, Operation: admissionv1.Create, DryRun: new(true),
			UserInfo: authenticationv1.UserInfo{Username: load.User(namespace), Groups: []string{"system:authenticated"}},
			Object:   runtime.RawExtension{Raw: fmt.Appendf(nil, a.object, namespace, n)},
		},
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+address+a.path+"?timeout=30s", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(answer, &review); err != nil || response.StatusCode != http.StatusOK || review.Response == nil {
		return fmt.Errorf("%s: %s: %s", a.path, response.Status, answer)
	}
	if !review.Response.Allowed {
		return fmt.Errorf("%s of %s: denied: %s", a.path, name, review.Response.Result.Message)
	}
	return nil
}
