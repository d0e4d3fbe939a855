package certs

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/internal/certs"
)

// site is a namespace whose ConfigMaps wait for a webhook, the webhook, and the
// keeper of its certificates.
type site struct {
	client.Client
	name     string
	metrics  *prometheus.Registry
	stopKeep context.CancelFunc
	kept     sync.WaitGroup
	serving  atomic.Pointer[tls.Certificate]
	asked    atomic.Int64
}

// lag is how long a certificate takes from its Secret to who serves it, as a
// kubelet takes some time to update a volume.
const lag = 700 * time.Millisecond

func newSite(t *testing.T, name string) *site {
	t.Helper()
	c, err := client.New(plane.Config(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Client: c, name: name, metrics: prometheus.NewRegistry()}
	s.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"site": name}}})
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.serve(t, listener)
	url := "https://" + listener.Addr().String()
	fail, none, scope := admissionregistrationv1.Fail, admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.NamespacedScope
	s.create(t, &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{certs.InjectAnnotation: certs.InjectSelf}},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name:                    "configmaps.example.com",
			AdmissionReviewVersions: []string{"v1"},
			ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: &url},
			FailurePolicy:           &fail,
			SideEffects:             &none,
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"site": name}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}, Scope: &scope},
			}},
		}},
	})
	t.Cleanup(func() {
		s.stop()
		for _, o := range []client.Object{
			&admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: name}},
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: authority}},
		} {
			_ = s.Delete(context.Background(), o)
		}
	})
	return s
}

// Names of the Secrets.
const (
	authority = "authority"
	serving   = "serving"
)

func (s *site) create(t *testing.T, o client.Object) {
	t.Helper()
	if err := s.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// serve answers reviews with the certificate of the Secret, which it reads again
// all the time.
func (s *site) serve(t *testing.T, listener net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	server := &http.Server{
		ReadHeaderTimeout: time.Second,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := s.serving.Load(); c != nil {
				return c, nil
			}
			return nil, errors.New("no certificate yet")
		}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.asked.Add(1)
			var review admissionv1.AdmissionReview
			if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
			review.Request = nil
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Connection", "close") // every review shakes hands anew
			_ = json.NewEncoder(w).Encode(review)
		}),
	}
	server.SetKeepAlivesEnabled(false)
	var done sync.WaitGroup
	done.Go(func() { _ = server.ServeTLS(listener, "", "") })
	done.Go(func() {
		for ctx.Err() == nil {
			secret := &corev1.Secret{}
			if err := s.Get(ctx, client.ObjectKey{Namespace: s.name, Name: serving}, secret); err == nil {
				if pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]); err == nil {
					sleep(ctx, lag)
					s.serving.Store(&pair)
				}
			}
			sleep(ctx, lag/5)
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = server.Close()
		done.Wait()
	})
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// keep starts a keeper, as a controller that becomes the leader does.
func (s *site) keep(t *testing.T, o certs.KeeperOptions) {
	t.Helper()
	s.stop()
	o.Namespace, o.Secret = s.name, authority
	o.Leaves = []certs.LeafSecret{{Name: serving, Leaf: certs.Leaf{Hosts: []string{"127.0.0.1"}}}}
	s.metrics = prometheus.NewRegistry()
	keeper, err := certs.NewKeeper(o, s.Client, testr.New(t), certs.NewKeeperMetrics(s.metrics))
	if err != nil {
		t.Fatal(err)
	}
	changes, err := metadata.NewForConfig(plane.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stopKeep = cancel
	wake := make(chan struct{}, 1)
	s.kept.Go(func() { keeper.Watch(ctx, changes, wake) })
	s.kept.Go(func() { keeper.Run(ctx, wake) })
}

func (s *site) stop() {
	if s.stopKeep != nil {
		s.stopKeep()
		s.kept.Wait()
		s.stopKeep = nil
	}
}

// ask creates ConfigMaps until the test stops it, and returns how many were made
// and what went wrong.
func (s *site) ask() (stop func() (made int64, failures []error)) {
	ctx, cancel := context.WithCancel(context.Background())
	var made atomic.Int64
	var mu sync.Mutex
	var failures []error
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			for ctx.Err() == nil {
				o := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, GenerateName: "c-"}}
				// Not the loop's context: a request that was begun is finished.
				if err := s.Create(context.Background(), o); err != nil {
					mu.Lock()
					failures = append(failures, fmt.Errorf("%s: %w", time.Now().Format(time.TimeOnly), err))
					mu.Unlock()
				} else {
					made.Add(1)
				}
				sleep(ctx, 20*time.Millisecond)
			}
		})
	}
	return func() (int64, []error) {
		cancel()
		clients.Wait()
		return made.Load(), failures
	}
}
