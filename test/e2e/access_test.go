package e2e

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"usher.dev/usher/test/e2e/webhook"
)

// TestTheWebhookMayOnlyRead asks what the service account of the manifests may
// do. That it may do enough, every other test shows: usher runs as it.
func TestTheWebhookMayOnlyRead(t *testing.T) {
	const account = "system:serviceaccount:" + webhook.Namespace + ":" + webhook.Name
	for question, want := range map[string]string{
		"list namespaces":                       "yes",
		"watch tenants.usher.dev":               "yes",
		"update namespaces":                     "no",
		"create tenants.usher.dev":              "no",
		"get secrets -n usher-system":           "no",
		"list pods --all-namespaces":            "no",
		"create pods -n usher-system":           "no",
		"get configmaps -n usher-system":        "no",
		"impersonate users":                     "no",
		"patch validatingwebhookconfigurations": "no",
	} {
		// can-i exits with 1 when the answer is no.
		ask := append([]string{"auth", "can-i", "--as", account}, strings.Fields(question)...)
		answer, _, _ := shared.Kubectl(t.Context(), "", ask...)
		if got := strings.TrimSpace(answer); got != want {
			t.Errorf("may the webhook %s? %s, want %s", question, got, want)
		}
	}
}

func TestOnlyTheAPIServerMayAsk(t *testing.T) {
	stranger, err := shared.usher.Authority.Client("stranger")
	if err != nil {
		t.Fatal(err)
	}
	known, err := shared.ClientAuthority().Client("kube-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/validate", "/mutate"} {
		if response, err := shared.usher.Post(t.Context(), path); err == nil {
			_ = response.Body.Close()
			t.Errorf("%s answered %s without a client certificate", path, response.Status)
		}
		if response, err := shared.usher.Post(t.Context(), path, pair(t, stranger.TLS)); err == nil {
			_ = response.Body.Close()
			t.Errorf("%s answered %s to a certificate of another authority", path, response.Status)
		}
		response, err := shared.usher.Post(t.Context(), path, pair(t, known.TLS))
		if err != nil {
			t.Errorf("%s did not answer the API server's certificate: %v", path, err)
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s answered %s to an empty body, want 400", path, response.Status)
		}
	}
}

func pair(t *testing.T, load func() (tls.Certificate, error)) tls.Certificate {
	t.Helper()
	certificate, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
