package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	kjson "sigs.k8s.io/json"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/logging"
)

func testRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func canonical(t *testing.T, quantity string) string {
	t.Helper()
	q, err := resource.ParseQuantity(quantity)
	if err != nil {
		t.Fatal(err)
	}
	return q.String()
}

func allWorkloads(t *testing.T) []workload {
	t.Helper()
	all, err := workloads()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// podOf decodes a review's pod strictly.
func podOf(t *testing.T, body []byte) *corev1.Pod {
	t.Helper()
	var review admissionv1.AdmissionReview
	if strict, err := kjson.UnmarshalStrict(body, &review); err != nil || len(strict) > 0 {
		t.Fatal(err, strict)
	}
	pod := &corev1.Pod{}
	if strict, err := kjson.UnmarshalStrict(review.Request.Object.Raw, pod); err != nil || len(strict) > 0 {
		t.Fatal(err, strict)
	}
	if pod.Name != review.Request.Name || pod.Namespace != review.Request.Namespace {
		t.Errorf("the request is about %s/%s, its pod is %s/%s", review.Request.Namespace, review.Request.Name, pod.Namespace, pod.Name)
	}
	return pod
}

func TestReviewsHoldPodsAsTheAPIServerWritesThem(t *testing.T) {
	for _, w := range allWorkloads(t) {
		for n := range uint64(2 * shapeCount) {
			body := w.body(n)
			if bytes.Contains(body, []byte("${")) {
				t.Fatalf("%s: a slot is left open: %s", w.name, body)
			}
			podOf(t, body)
		}
	}
}

func TestReplicasDifferOnlyAsTheAPIServerMakesThem(t *testing.T) {
	for _, w := range allWorkloads(t) {
		if w.name != "replicas" {
			continue
		}
		one, other := podOf(t, w.body(1)), podOf(t, w.body(2))
		if one.Name == other.Name || one.UID == other.UID || one.Labels[v1alpha1.ReservationLabel] == other.Labels[v1alpha1.ReservationLabel] || one.Spec.Volumes[1].Name == other.Spec.Volumes[1].Name {
			t.Errorf("two replicas are alike: %s and %s", one.Name, other.Name)
		}
		for _, pod := range []*corev1.Pod{one, other} {
			if pod.Spec.Containers[0].VolumeMounts[1].Name != pod.Spec.Volumes[1].Name {
				t.Errorf("no volume is called %s", pod.Spec.Containers[0].VolumeMounts[1].Name)
			}
			delete(pod.Labels, v1alpha1.ReservationLabel)
			pod.Name, pod.UID, pod.Spec.Volumes[1].Name, pod.Spec.Containers[0].VolumeMounts[1].Name = "", "", "", ""
		}
		if diff := cmp.Diff(one, other); diff != "" {
			t.Error(diff)
		}
	}
}

// ask sends a review to a handler in this process.
func ask(t *testing.T, handler http.Handler, body []byte) *admissionv1.AdmissionResponse {
	t.Helper()
	request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/validate?timeout=10s", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(recorder.Body.Bytes(), &review); err != nil || review.Response == nil {
		t.Fatalf("status %d: %s", recorder.Code, recorder.Body)
	}
	return review.Response
}

func TestEveryServerGivesTheWantedVerdicts(t *testing.T) {
	upstream, err := upstreamHandler()
	if err != nil {
		t.Fatal(err)
	}
	usher, err := usherHandler("testdata/cluster", "testdata/config.yaml", logging.New(io.Discard, false), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []struct {
		kindOfServer
		handler http.Handler
	}{
		{kindOfServer{name: "allow-all"}, allowHandler()},
		{kindOfServer{name: "upstream", judges: true}, upstream},
		{kindOfServer{name: "usher", judges: true}, usher},
	} {
		for _, w := range allWorkloads(t) {
			for n := range uint64(len(w.shapes)) {
				response := ask(t, server.handler, w.body(n))
				if response.Allowed == w.denied(server.kindOfServer) {
					t.Errorf("%s, %s, review %d: allowed is %t: %v", server.name, w.name, n, response.Allowed, response.Result)
				}
			}
		}
	}
}
