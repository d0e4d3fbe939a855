package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/internal/serving"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// TestMetricsAreForTheirReader asks the real API server about real tokens, with the
// rights of the webhook's service account.
func TestMetricsAreForTheirReader(t *testing.T) {
	const reader = "usher-metrics-reader"
	text, err := os.ReadFile(filepath.Join("..", "..", "manifests", "monitoring", "access.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := repository.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		switch object.GetKind() {
		case "ServiceAccount", "Secret":
			object.SetNamespace(webhook.Namespace)
		case "ClusterRoleBinding":
			subject := object.Object["subjects"].([]any)[0].(map[string]any)
			if err := unstructured.SetNestedField(subject, webhook.Namespace, "namespace"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := shared.Apply(t.Context(), objects...); err != nil {
		t.Fatal(err)
	}
	asked, err := shared.AsServiceAccount(t.Context(), webhook.Namespace, webhook.Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := serving.Guard(asked, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	guarded := guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for account, want := range map[string]int{reader: http.StatusOK, webhook.Name: http.StatusForbidden} {
		client, err := shared.AsServiceAccount(t.Context(), webhook.Namespace, account, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
		r.RemoteAddr = "10.1.2.3:4567"
		r.Header.Set("Authorization", "Bearer "+client.BearerToken)
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s gets %d: %s, want %d", account, w.Code, w.Body, want)
		}
	}
}
