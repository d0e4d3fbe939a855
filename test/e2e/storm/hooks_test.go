package storm

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/test/e2e/controlplane"
)

// patch is a JSON Patch; nil changes nothing.
type patch []map[string]any

// hook is somebody else's webhook: it judges or changes a pod that is created.
type hook func(ctx context.Context, pod *corev1.Pod) (patch, error)

// hookManifest registers one for the pods of a namespace. Mutating ones come in
// order of the names of their configurations, so that this is after usher's.
const hookManifest = `
apiVersion: admissionregistration.k8s.io/v1
kind: %s
metadata: {name: zz-%s}
webhooks:
  - name: %s.test.usher.dev
    admissionReviewVersions: [v1]
    clientConfig: {url: "https://%s/", caBundle: %s}
    failurePolicy: Fail
    sideEffects: None
    timeoutSeconds: 10
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %s}}
    objectSelector: {matchLabels: {hooked: "yes"}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
    %s
`

// hook registers a webhook for the pods with the label hooked in a namespace,
// until the test ends.
func (c *cluster) hook(t *testing.T, kind, namespace string, f hook) {
	t.Helper()
	authority, err := controlplane.NewAuthority("another webhook")
	must(t, err)
	pair, err := authority.Serving()
	must(t, err)
	certificate, err := pair.TLS()
	must(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler:           f,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = server.Close() })

	further := ""
	if kind == mutating {
		further = "reinvocationPolicy: IfNeeded"
	}
	must(t, c.ApplyYAML(t.Context(), fmt.Sprintf(hookManifest, kind, namespace, namespace, listener.Addr(),
		base64.StdEncoding.EncodeToString(authority.PEM), namespace, further)))
	t.Cleanup(func() {
		if _, _, err := c.Kubectl(context.WithoutCancel(t.Context()), "", "delete", kind, "zz-"+namespace); err != nil {
			t.Error(err)
		}
	})
}

// Kinds of webhook configurations.
const (
	mutating   = "MutatingWebhookConfiguration"
	validating = "ValidatingWebhookConfiguration"
)

// ServeHTTP answers an AdmissionReview.
func (f hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	review := &admissionv1.AdmissionReview{}
	pod := &corev1.Pod{}
	if err := json.NewDecoder(r.Body).Decode(review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := json.Unmarshal(review.Request.Object.Raw, pod); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	changes, denial := f(r.Context(), pod)
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: denial == nil}
	if denial != nil {
		review.Response.Result = &metav1.Status{Message: denial.Error(), Code: http.StatusForbidden}
	}
	if len(changes) > 0 {
		encoded, err := json.Marshal(changes)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		kind := admissionv1.PatchTypeJSONPatch
		review.Response.Patch, review.Response.PatchType = encoded, &kind
	}
	_ = json.NewEncoder(w).Encode(review)
}

// hooked is a pod that the other webhook is asked about.
func hooked(pod *corev1.Pod) *corev1.Pod {
	pod.Labels = map[string]string{"hooked": "yes"}
	return pod
}
