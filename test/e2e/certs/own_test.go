package certs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controller"
)

// With --cert-mode=self and the rights of the manifests, what is installed from
// nothing gets its certificates and bundles, and the API server and the webhook
// prove to one another who they are.
func TestFromNothingAPodIsJudgedOverMutualTLS(t *testing.T) {
	u := install(t)
	w := u.webhook(t)
	w.start(t)
	w.says(t, http.StatusServiceUnavailable, "certificate missing: open ", "client CA missing: open ")
	w.measures(t, `usher_certificate_problem{certificate="serving",reason="missing"}`, "1")
	w.logged(t, "not ready: there is no good certificate")

	c := u.controller(t)
	keeps(t, c, "certificates: steady: usher authority of ", "certificate usher-webhook-tls: until ", "certificate usher-scheduler-client-tls: until ")
	for _, name := range secrets() {
		s := u.secret(t, name)
		want := corev1.SecretTypeTLS
		if name == certs.AuthoritySecret {
			want = corev1.SecretTypeOpaque
		}
		if s == nil || s.Type != want {
			t.Errorf("Secret %s: %+v", name, s)
		}
	}
	w.says(t, http.StatusOK, "\ncertificate until ", "\nclient CA until ")
	w.measures(t, `usher_certificate_problem{certificate="serving",reason="missing"}`, "0")
	w.logged(t, "certificate is good again")

	u.register(t, w)
	await.Success(t, patience, "every webhook has the bundle", func() (struct{}, error) {
		want := string(u.secret(t, certs.AuthoritySecret).Data["ca.crt"])
		if slices.ContainsFunc(u.bundles(t), func(got string) bool { return got != want }) {
			return struct{}{}, errors.New("not yet")
		}
		return struct{}{}, nil
	})

	// The API server shows a certificate of another authority so far.
	await.Success(t, patience, "the API server is refused", func() (struct{}, error) {
		err := u.refused(t)
		if err == nil || !strings.Contains(err.Error(), "failed calling webhook") || !strings.Contains(err.Error(), "tls: ") {
			return struct{}{}, fmt.Errorf("it is not: %w", err)
		}
		return struct{}{}, nil
	})
	// Its files are read again at each handshake: nothing is restarted.
	identify(t, u)
	u.judged(t)
}

// identify gives the API server the certificate that the controller made for it, in
// the files that the kubeconfig for its webhooks names.
func identify(t *testing.T, u *usher) {
	t.Helper()
	for _, file := range []string{"webhook-client.crt", "webhook-client.key"} {
		path := filepath.Join(folder, file)
		before, err := os.ReadFile(path)
		must(t, err)
		t.Cleanup(func() { must(t, os.WriteFile(path, before, 0o600)) })
	}
	data := u.secret(t, certs.WebhookClientSecret).Data
	must(t, os.WriteFile(filepath.Join(folder, "webhook-client.key"), data[corev1.TLSPrivateKeyKey], 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "webhook-client.crt"), data[corev1.TLSCertKey], 0o600))
}

// keeps waits until the controller says all of the words of its certificates.
func keeps(t *testing.T, c *controller.Replica, words ...string) {
	t.Helper()
	await.Success(t, patience, fmt.Sprintf("the controller says %q", words), func() (struct{}, error) {
		text, err := c.Get(t.Context(), "/readyz")
		if err != nil {
			return struct{}{}, err
		}
		for _, word := range words {
			if !strings.Contains(text, word) {
				return struct{}{}, errors.New(text)
			}
		}
		return struct{}{}, nil
	})
}

// The controller may read the Secrets that it keeps, and no other.
func TestTheControllerReadsNoSecretOfOthers(t *testing.T) {
	u := install(t)
	other := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "other"}}
	must(t, u.Create(t.Context(), other))
	t.Cleanup(func() { _ = u.Delete(context.Background(), other) })
	config, err := plane.AsServiceAccount(t.Context(), namespace, controller.Name, nil)
	must(t, err)
	as, err := client.New(config, client.Options{})
	must(t, err)
	if err := as.Get(t.Context(), client.ObjectKeyFromObject(other), &corev1.Secret{}); !apierrors.IsForbidden(err) {
		t.Errorf("get: %v", err)
	}
	if err := as.List(t.Context(), &corev1.SecretList{}, client.InNamespace(namespace)); !apierrors.IsForbidden(err) {
		t.Errorf("list: %v", err)
	}
	if err := as.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: certs.AuthoritySecret}, &corev1.Secret{}); !apierrors.IsNotFound(err) {
		t.Errorf("its own: %v", err)
	}
}
