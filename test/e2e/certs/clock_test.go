package certs

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/internal/certs"
)

// written is what was written at some time, and holds until the next.
type written struct {
	at   time.Time
	text string
}

// history is all that was written to one place.
type history []written

func (h *history) note(at time.Time, text string) {
	if n := len(*h); text != "" && (n == 0 || (*h)[n-1].text != text) {
		*h = append(*h, written{at, text})
	}
}

// inUse are those of a history that somebody may have between two times, if each
// takes up to lag to arrive.
func (h history) inUse(from, to time.Time, lag time.Duration) []string {
	var texts []string
	for i, w := range h {
		if w.at.After(to) {
			break
		}
		if i+1 == len(h) || h[i+1].at.Add(lag).After(from) {
			texts = append(texts, w.text)
		}
	}
	return texts
}

// Authorities and certificates come and go for days of a clock that the test turns,
// with leaders that are away for a while. Whatever is served, everybody who has to
// trusts it, as long as nothing takes longer to arrive than the overlap; and no
// certificate is ever shorter than it is said to be.
func TestWhateverArrivesWithinTheOverlapIsTrustedAndValid(t *testing.T) {
	options := certs.RotationOptions{Lifetime: 18 * time.Hour, LeafLifetime: 6 * time.Hour, Overlap: time.Hour}
	must(t, options.Validate())
	c, err := client.New(plane.Config(), client.Options{})
	must(t, err)
	name := fmt.Sprint("clock-", time.Now().UnixNano()) // the test may run more than once
	must(t, c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
	url, none := "https://127.0.0.1:1", admissionregistrationv1.SideEffectClassNone
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{certs.InjectAnnotation: certs.InjectSelf}},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "never.example.com", AdmissionReviewVersions: []string{"v1"}, SideEffects: &none,
			ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: &url},
		}},
	}
	must(t, c.Create(t.Context(), configuration))
	t.Cleanup(func() { _ = c.Delete(context.Background(), configuration) })

	now := time.Now()
	start := now
	keeper, err := certs.NewKeeper(certs.KeeperOptions{
		Namespace: name, Secret: authority, RotationOptions: options, Now: func() time.Time { return now },
		Leaves: []certs.LeafSecret{
			{Name: "server", Leaf: certs.Leaf{Hosts: []string{"server.example"}}},
			{Name: "client", Leaf: certs.Leaf{Usage: certs.ClientAuth, CommonName: "client"}},
		},
	}, c, logr.Discard(), certs.NewKeeperMetrics(prometheus.NewRegistry()))
	must(t, err)

	seed := uint64(now.UnixNano())
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // chance, not a secret
	var authorities history
	shown, trusted := map[string]*history{"server": {}, "client": {}}, map[string]*history{"webhook": {}, "server": {}, "client": {}}
	for len(authorities) < 4 {
		again, err := keeper.Keep(t.Context())
		must(t, err)
		must(t, c.Get(t.Context(), client.ObjectKeyFromObject(configuration), configuration))
		trusted["webhook"].note(now, string(configuration.Webhooks[0].ClientConfig.CABundle))
		for leaf := range shown {
			s := &corev1.Secret{}
			must(t, c.Get(t.Context(), client.ObjectKey{Namespace: name, Name: leaf}, s))
			shown[leaf].note(now, string(s.Data[corev1.TLSCertKey]))
			trusted[leaf].note(now, string(s.Data["ca.crt"]))
		}
		s := &corev1.Secret{}
		must(t, c.Get(t.Context(), client.ObjectKey{Namespace: name, Name: authority}, s))
		authorities.note(now, string(s.Data["ca.crt"]))
		now = now.Add(again)
		if random.IntN(4) == 0 { // nobody leads
			now = now.Add(time.Duration(random.Int64N(int64(options.Overlap * 9 / 10))))
		}
	}
	for leafName, leaves := range shown {
		for i, w := range *leaves {
			cert := leaf([]byte(w.text))
			if life := cert.NotAfter.Sub(w.at); life < options.LeafLifetime-time.Second {
				t.Errorf("seed %d: %s: certificate %d lasts for %s", seed, leafName, i, life)
			}
			gone := now
			if i+1 < len(*leaves) {
				gone = (*leaves)[i+1].at.Add(options.Overlap)
			}
			if cert.NotAfter.Before(gone) {
				t.Errorf("seed %d: %s: certificate %d expires %s before the next one has arrived", seed, leafName, i, gone.Sub(cert.NotAfter))
			}
			for who, bundles := range trusted {
				for _, bundle := range bundles.inUse(w.at, gone, options.Overlap) {
					pool := x509.NewCertPool()
					pool.AppendCertsFromPEM([]byte(bundle))
					if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: w.at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
						t.Errorf("seed %d: %s: certificate %d of %s is not trusted by %s: %v", seed, leafName, i, w.at.Sub(start), who, err)
					}
				}
			}
		}
		t.Logf("%s: %d certificates of %d authorities in %s", leafName, len(*leaves), len(authorities), now.Sub(start))
	}
}
