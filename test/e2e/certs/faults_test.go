package certs

import (
	"crypto/x509"
	"encoding/pem"
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
	"usher.dev/usher/test/e2e/controller"
)

// serves prepares a cluster in which pods are judged, with certificates that the
// controller keeps.
func serves(t *testing.T, flags ...string) (*usher, *program, *controller.Replica) {
	t.Helper()
	u := install(t)
	w := u.webhook(t)
	w.start(t)
	c := u.controller(t, flags...)
	w.says(t, http.StatusOK, "\ncertificate until ", "\nclient CA until ")
	identify(t, u)
	u.register(t, w)
	u.judged(t)
	return u, w, c
}

// problem is a series of the metric of what is wrong with a server's certificate.
func problem(reason string) string {
	return `usher_certificate_problem{certificate="serving",reason="` + reason + `"}`
}

// change writes what a test wants into the webhook's Secret, over whatever it holds.
func (u *usher) change(t *testing.T, change func(*corev1.Secret)) {
	t.Helper()
	await.Success(t, patience, "the webhook's Secret is changed", func() (struct{}, error) {
		s := &corev1.Secret{}
		if err := u.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: certs.WebhookSecret}, s); err != nil {
			return struct{}{}, err
		}
		change(s)
		return struct{}{}, u.Update(t.Context(), s)
	})
}

// renewed waits until a Secret holds another certificate.
func (u *usher) renewed(t *testing.T, name string, before []byte) {
	t.Helper()
	eventually(t, patience, "another certificate in "+name, func() bool {
		s := u.secret(t, name)
		return s != nil && string(s.Data[corev1.TLSCertKey]) != string(before) && leaf(s.Data[corev1.TLSCertKey]) != nil
	})
}

// leaf reads a certificate; nil where there is none.
func leaf(text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return c
}

// issue signs a certificate with the authority in the cluster.
func (u *usher) issue(t *testing.T, l certs.Leaf, made time.Time, lifetime time.Duration) certs.Pair {
	t.Helper()
	rotation, err := certs.ReadRotation(u.secret(t, certs.AuthoritySecret).Data)
	must(t, err)
	p, err := rotation.Current.Issue(l, made, lifetime)
	must(t, err)
	return p
}

// What is spoilt while the controller runs is put right within seconds, and
// nothing that is served is spoilt by it.
func TestWhatIsSpoiltIsPutRight(t *testing.T) {
	u, w, c := serves(t)
	ours := certs.OwnLeaves(namespace)[0].Leaf
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T)
		log   string
	}{
		{"the Secret is deleted", func(t *testing.T) {
			must(t, u.Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: certs.WebhookSecret}}))
		}, "there is none"},
		{"the certificate is unreadable", func(t *testing.T) {
			u.change(t, func(s *corev1.Secret) { s.Data[corev1.TLSCertKey] = []byte("x") })
		}, "there is none"},
		{"it is for another host", func(t *testing.T) {
			p := u.issue(t, certs.Leaf{Hosts: []string{"usher-webhook.default.svc"}}, time.Now(), time.Hour)
			u.change(t, func(s *corev1.Secret) { s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey] = p.Cert, p.Key })
		}, "it is for other names"},
		{"a clock was a day ahead", func(t *testing.T) {
			p := u.issue(t, ours, time.Now().Add(24*time.Hour), 48*time.Hour)
			u.change(t, func(s *corev1.Secret) { s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey] = p.Cert, p.Key })
		}, "it is not valid now"},
		{"a clock was a day behind", func(t *testing.T) {
			p := u.issue(t, ours, time.Now().Add(-24*time.Hour), time.Hour)
			u.change(t, func(s *corev1.Secret) { s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey] = p.Cert, p.Key })
		}, "it is not valid now"},
		{"nobody knows who signed it", func(t *testing.T) {
			a, err := certs.NewAuthority("another", time.Now(), time.Hour)
			must(t, err)
			p, err := a.Issue(ours, time.Now(), time.Hour)
			must(t, err)
			u.change(t, func(s *corev1.Secret) { s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey] = p.Cert, p.Key })
		}, "no authority that is trusted signed it"},
		{"the bundle of a webhook is emptied", func(t *testing.T) {
			u.register(t, w)
			configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{}
			await.Success(t, patience, "the bundle is emptied", func() (struct{}, error) {
				if err := u.Get(t.Context(), client.ObjectKey{Name: "usher-webhook"}, configuration); err != nil {
					return struct{}{}, err
				}
				configuration.Webhooks[0].ClientConfig.CABundle = nil
				return struct{}{}, u.Update(t.Context(), configuration)
			})
			eventually(t, patience, "it is written again", func() bool { return u.bundles(t)[0] != "" })
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.spoil(t)
			if tt.log != "" {
				eventually(t, patience, "the log says why", func() bool {
					log, err := c.Log()
					must(t, err)
					return strings.Contains(string(log), `"because":"`+tt.log+`"`)
				})
			}
			eventually(t, patience, "the Secret holds a good certificate", func() bool {
				s := u.secret(t, certs.WebhookSecret)
				if s == nil {
					return false
				}
				got, now := leaf(s.Data[corev1.TLSCertKey]), time.Now()
				return got != nil && got.VerifyHostname(ours.Hosts[0]) == nil && now.After(got.NotBefore) && now.Before(got.NotAfter.Add(-2*time.Hour))
			})
			w.says(t, http.StatusOK, "\ncertificate until ")
			for _, reason := range []string{"missing", "unreadable", "expired", "not_yet_valid", "wrong_name"} {
				w.measures(t, problem(reason), "0")
			}
			u.judged(t)
			keeps(t, c, "certificates: steady")
		})
	}
}

// While the controller is away, each fault shows in the webhook's readiness,
// metrics and log as what it is; when the controller is back, the webhook is well
// again by itself.
func TestAServerSaysWhatIsWrongUntilTheControllerIsBack(t *testing.T) {
	u, w, c := serves(t)
	ours := certs.OwnLeaves(namespace)[0].Leaf
	put := func(t *testing.T, p certs.Pair) {
		t.Helper()
		u.change(t, func(s *corev1.Secret) { s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey] = p.Cert, p.Key })
	}
	for _, tt := range []struct {
		reason string
		spoil  func(t *testing.T)
		says   string
	}{
		{"unreadable", func(t *testing.T) { put(t, certs.Pair{Cert: []byte("x"), Key: []byte("y")}) }, "certificate unreadable: tls.crt with tls.key in "},
		{"wrong_name", func(t *testing.T) {
			put(t, u.issue(t, certs.Leaf{Hosts: []string{"usher-webhook.default.svc"}}, time.Now(), time.Hour))
		}, "certificate is for usher-webhook.default.svc, and has to be for usher-webhook.usher-system.svc"},
		{"not_yet_valid", func(t *testing.T) { put(t, u.issue(t, ours, time.Now().Add(24*time.Hour), time.Hour)) }, "certificate not valid before "},
		{"expired", func(t *testing.T) { put(t, u.issue(t, ours, time.Now().Add(-24*time.Hour), time.Hour)) }, "certificate expired at "},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			must(t, c.Process.Pause())
			resumed := false
			resume := func() {
				if !resumed {
					resumed = true
					must(t, c.Process.Resume())
				}
			}
			defer resume()
			before := u.secret(t, certs.WebhookSecret).Data[corev1.TLSCertKey]
			tt.spoil(t)
			// Whoever has a good one keeps it.
			w.says(t, http.StatusOK, "; not read again: "+tt.says)
			w.measures(t, problem(tt.reason), "1")
			w.logged(t, "certificate not read again: the last good one stays in use")
			u.judged(t)
			// Whoever starts has none.
			w.start(t)
			w.says(t, http.StatusServiceUnavailable, "not ready: ", tt.says)
			w.measures(t, problem(tt.reason), "1")
			w.logged(t, "not ready: there is no good certificate")

			resume()
			u.renewed(t, certs.WebhookSecret, before)
			w.says(t, http.StatusOK, "\ncertificate until ")
			w.measures(t, problem(tt.reason), "0")
			w.logged(t, "certificate is good again")
			u.judged(t)
		})
	}
}

// Certificates that last for seconds are renewed as long as somebody does, and
// told of when nobody has.
func TestCertificatesOfSecondsExpireAndRecover(t *testing.T) {
	u, w, c := serves(t, "--cert-overlap=2s", "--cert-lifetime=12s", "--ca-lifetime=10m")
	before := u.secret(t, certs.WebhookSecret).Data[corev1.TLSCertKey]
	u.renewed(t, certs.WebhookSecret, before)
	u.judged(t)
	c.Kill()
	w.says(t, http.StatusServiceUnavailable, "certificate expired at ", "it was not renewed, or this machine's clock is ahead")
	w.measures(t, problem("expired"), "1")
	w.logged(t, "not ready: there is no good certificate")
	must(t, c.StartAlone(t.Context()))
	w.says(t, http.StatusOK, "\ncertificate until ")
	w.measures(t, problem("expired"), "0")
	identify(t, u) // that of the API server has expired too
	u.judged(t)
}
