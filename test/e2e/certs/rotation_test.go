package certs

import (
	"bytes"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/test/e2e/await"
)

// hurried lets an authority live for seconds, so that a test sees several. The
// overlap is much longer than the server's lag.
var hurried = certs.KeeperOptions{
	RotationOptions: certs.RotationOptions{Lifetime: 72 * time.Second, LeafLifetime: 24 * time.Second, Overlap: 4 * time.Second},
}

// eventually waits until something holds.
func eventually(t *testing.T, patience time.Duration, what string, holds func() bool) {
	t.Helper()
	await.Success(t, patience, what, func() (struct{}, error) {
		if !holds() {
			return struct{}{}, errors.New("not yet")
		}
		return struct{}{}, nil
	})
}

func (s *site) data(t *testing.T, name string) map[string][]byte {
	t.Helper()
	secret := &corev1.Secret{}
	if err := s.Get(t.Context(), client.ObjectKey{Namespace: s.name, Name: name}, secret); err != nil {
		return nil
	}
	return secret.Data
}

func (s *site) ready(t *testing.T) {
	t.Helper()
	// The API server may not know yet that it has to ask.
	eventually(t, 30*time.Second, "a ConfigMap is admitted because the webhook says so", func() bool {
		return s.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, GenerateName: "ready-"}}) == nil && s.asked.Load() > 0
	})
}

func TestAuthoritiesAndCertificatesChangeWithoutAFailedRequest(t *testing.T) {
	s := newSite(t, "rotation")
	s.keep(t, hurried)
	s.ready(t)
	stop := s.ask()
	authorities := map[string]bool{}
	leaves := map[string]bool{}
	eventually(t, 4*time.Minute, "three authorities have come and two gone", func() bool {
		authorities[string(s.data(t, authority)["ca.crt"])] = true
		leaves[string(s.data(t, serving)[corev1.TLSCertKey])] = true
		return len(authorities) >= 3 && len(s.data(t, authority)["retired.crt"]) == 0
	})
	made, failures := stop()
	for _, err := range failures {
		t.Error(err)
	}
	t.Logf("%d requests, %d reviews, %d authorities, %d certificates", made, s.asked.Load(), len(authorities), len(leaves))
	if made < 100 || len(leaves) < 5 {
		t.Errorf("%d requests and %d certificates prove little", made, len(leaves))
	}
}

func TestALostAuthorityIsReplacedWithoutAFailedRequest(t *testing.T) {
	calm := hurried
	calm.Lifetime, calm.LeafLifetime = 3*time.Hour, time.Hour
	for name, lose := range map[string]func(*testing.T, *site){
		"deleted": func(t *testing.T, s *site) {
			if err := s.Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: authority}}); err != nil {
				t.Fatal(err)
			}
		},
		"unreadable": func(t *testing.T, s *site) {
			patch := []byte(`{"data":{"ca.key":"AAAA"}}`)
			o := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: authority}}
			if err := s.Patch(t.Context(), o, client.RawPatch("application/merge-patch+json", patch)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "lost-"+name)
			s.keep(t, calm)
			s.ready(t)
			before := s.data(t, authority)["ca.crt"]
			leaf := s.data(t, serving)[corev1.TLSCertKey]
			stop := s.ask()
			lose(t, s)
			eventually(t, time.Minute, "another authority has signed what is served, and is alone", func() bool {
				now := s.data(t, authority)
				return len(now["ca.crt"]) > 0 && !bytes.Equal(now["ca.crt"], before) && len(now["retired.crt"]) == 0 &&
					!bytes.Equal(s.data(t, serving)[corev1.TLSCertKey], leaf)
			})
			made, failures := stop()
			for _, err := range failures {
				t.Error(err)
			}
			if made == 0 {
				t.Error("no request was made")
			}
		})
	}
}

// What others made is left alone, and the error says what to do.
func TestCertificatesOfOthersAreLeftAlone(t *testing.T) {
	s := newSite(t, "foreign")
	foreign := map[string][]byte{corev1.TLSCertKey: []byte("theirs"), corev1.TLSPrivateKeyKey: []byte("theirs")}
	s.create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: serving}, Type: corev1.SecretTypeTLS, Data: foreign})
	s.keep(t, hurried)
	eventually(t, 20*time.Second, "the keeper has said so", func() bool {
		families, err := s.metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "usher_certificate_errors_total" {
				return f.GetMetric()[0].GetCounter().GetValue() > 0
			}
		}
		return false
	})
	s.stop()
	if got := s.data(t, serving)[corev1.TLSCertKey]; string(got) != "theirs" {
		t.Errorf("the certificate of another was overwritten: %q", got)
	}
}
