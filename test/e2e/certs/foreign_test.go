package certs

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/test/e2e/await"
)

// What others made is told of and never written, and holds up nothing else.
func TestForeignSecretsAndBundlesAreToldOf(t *testing.T) {
	u := install(t)
	theirs := map[string][]byte{corev1.TLSCertKey: []byte("theirs"), corev1.TLSPrivateKeyKey: []byte("theirs")}
	must(t, u.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: certs.ExtenderSecret}, Type: corev1.SecretTypeTLS, Data: theirs}))
	url, none := "https://127.0.0.1:1", admissionregistrationv1.SideEffectClassNone
	others := map[string]map[string]string{
		"other": {certs.InjectAnnotation: certs.InjectSelf},
		"both":  {certs.InjectAnnotation: certs.InjectSelf, "cert-manager.io/inject-ca-from": "a/b"},
	}
	for name, annotations := range others {
		object := &admissionregistrationv1.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
			Webhooks: []admissionregistrationv1.ValidatingWebhook{{
				Name: "never.example.com", AdmissionReviewVersions: []string{"v1"}, SideEffects: &none,
				ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: &url},
			}},
		}
		must(t, u.Create(t.Context(), object))
		t.Cleanup(func() { _ = u.Delete(context.Background(), object) })
	}
	w := u.webhook(t)
	w.start(t)
	u.register(t, w)
	c := u.controller(t)
	keeps(t, c,
		"certificates not kept: Secret usher-system/usher-extender-tls was not made by usher; delete it to let usher make one, or run usher-controller with --cert-mode=files",
		"certificates not kept: the CA bundle of ValidatingWebhookConfiguration both was not made by usher; take the annotation of the other injector away, or usher.dev/inject-ca",
		"certificates not kept: inject the CA bundle into ValidatingWebhookConfiguration other: ", "forbidden",
	)
	metrics, err := c.Get(t.Context(), "/metrics")
	must(t, err)
	if !strings.Contains(metrics, "\nusher_certificates_kept 0\n") {
		t.Error("the metrics do not say that certificates are not kept")
	}
	log, err := c.Log()
	must(t, err)
	if !strings.Contains(string(log), "certificates or CA bundles not kept") {
		t.Errorf("the log does not say so:\n%s", log)
	}

	// All the rest is kept.
	w.says(t, http.StatusOK, "\ncertificate until ")
	identify(t, u)
	u.judged(t)
	if got := u.secret(t, certs.ExtenderSecret).Data[corev1.TLSCertKey]; string(got) != "theirs" {
		t.Errorf("the certificate of others is now %q", got)
	}
	for name := range others {
		var found admissionregistrationv1.ValidatingWebhookConfiguration
		must(t, u.Get(t.Context(), client.ObjectKey{Name: name}, &found))
		if len(found.Webhooks[0].ClientConfig.CABundle) > 0 {
			t.Errorf("the bundle of %s was written", name)
		}
	}

	// It recovers once they are gone.
	must(t, u.Delete(t.Context(), u.secret(t, certs.ExtenderSecret)))
	for name := range others {
		must(t, u.Delete(t.Context(), &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: name}}))
	}
	keeps(t, c, "certificates: steady", "certificate usher-extender-tls: until ")
	eventually(t, patience, "nothing is told of any more", func() bool {
		metrics, err := c.Get(t.Context(), "/metrics")
		must(t, err)
		return strings.Contains(metrics, "\nusher_certificates_kept 1\n")
	})
}

// From certificates of others to usher's own: nothing that is served loses the
// trust of the API server before it is replaced, whether usher had an authority
// before or not.
func TestCertificatesOfOthersGiveWayOneByOne(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, u *usher){
		"for the first time": func(*testing.T, *usher) {},
		"as once before": func(t *testing.T, u *usher) {
			c := u.controller(t)
			keeps(t, c, "certificates: steady: ")
			must(t, c.Stop(t.Context()))
			must(t, u.Delete(t.Context(), u.secret(t, certs.WebhookSecret)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := install(t)
			before(t, u)
			theirs, err := certs.NewAuthority("theirs", time.Now(), time.Hour)
			must(t, err)
			p, err := theirs.Issue(certs.OwnLeaves(namespace)[0].Leaf, time.Now(), time.Hour)
			must(t, err)
			secret := &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: certs.WebhookSecret}, Type: corev1.SecretTypeTLS,
				Data: map[string][]byte{corev1.TLSCertKey: p.Cert, corev1.TLSPrivateKeyKey: p.Key, "ca.crt": theirs.Cert},
			}
			must(t, u.Create(t.Context(), secret))
			w := u.webhook(t)
			w.arguments = append(w.arguments, "--client-ca-file=") // any client may ask
			w.start(t)
			w.says(t, http.StatusOK, "certificate until ")
			u.register(t, w)
			u.trust(t, theirs.Cert)
			u.judged(t)

			c := u.controller(t, "--cert-overlap=1s", "--cert-lifetime=6h", "--ca-lifetime=18h")
			keeps(t, c, "certificates: retiring: ", "certificates not kept: Secret usher-system/usher-webhook-tls was not made by usher")
			// It has looked several times since, seconds apart, and the overlap is over.
			eventually(t, patience, "the controller has looked again and again", func() bool {
				metrics, err := c.Get(t.Context(), "/metrics")
				must(t, err)
				return strings.Contains(metrics, "\nusher_certificate_errors_total 4\n")
			})
			u.judged(t)
			keeps(t, c, "certificates: retiring: ")
			must(t, u.Delete(t.Context(), secret))
			u.renewed(t, certs.WebhookSecret, p.Cert)
			keeps(t, c, "certificates: steady: ")
			u.judged(t)
		})
	}
}

// trust writes what others want the API server to trust.
func (u *usher) trust(t *testing.T, bundle []byte) {
	t.Helper()
	await.Success(t, patience, "the bundle is written", func() (struct{}, error) {
		validating, mutating := &admissionregistrationv1.ValidatingWebhookConfiguration{}, &admissionregistrationv1.MutatingWebhookConfiguration{}
		if err := errors.Join(u.Get(t.Context(), client.ObjectKey{Name: "usher-webhook"}, validating), u.Get(t.Context(), client.ObjectKey{Name: "usher-webhook"}, mutating)); err != nil {
			return struct{}{}, err
		}
		for i := range validating.Webhooks {
			validating.Webhooks[i].ClientConfig.CABundle = bundle
		}
		for i := range mutating.Webhooks {
			mutating.Webhooks[i].ClientConfig.CABundle = bundle
		}
		return struct{}{}, errors.Join(u.Update(t.Context(), validating), u.Update(t.Context(), mutating))
	})
}
