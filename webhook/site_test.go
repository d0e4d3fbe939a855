package webhook_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/serving"
	"usher.dev/usher/webhook"
)

// site is a webhook server to start: real TLS, a real engine, policies and
// objects of the test's own.
type site struct {
	policies map[string]string // by name of the policy or file
	config   string
	objects  string
	ledger   webhook.Ledger // nil: none is kept
	drain    time.Duration
	certDir  string
	clientCA string // file
	// wrap goes round the validating handler.
	wrap func(http.Handler) http.Handler
}

// served is a site that answers.
type served struct {
	addr, probes string
	server       *serving.Server
	engine       *engine.Engine
	registry     *prometheus.Registry
	logs         *logLines
	authorities  *x509.CertPool
	client       *http.Client // speaks HTTP/2

	stop  context.CancelFunc
	ended chan error
}

func compile(t testing.TB, cfg string, policies map[string]string) *engine.Set {
	t.Helper()
	parsed, err := config.Parse([]byte(cfg))
	if err != nil {
		t.Fatal(err)
	}
	set, err := engine.Compile(parsed, files(policies))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func files(policies map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, rego := range policies {
		fsys[name+"/"+name+".rego"] = &fstest.MapFile{Data: []byte(rego)}
	}
	return fsys
}

// start serves until the test ends.
func (s site) start(t *testing.T) *served {
	t.Helper()
	cfg, err := config.Parse([]byte(s.config))
	if err != nil {
		t.Fatal(err)
	}
	objects := cluster.NewObjects()
	if err := objects.AddYAML([]byte(s.objects)); err != nil {
		t.Fatal(err)
	}
	out := &served{
		engine:   engine.New(compile(t, s.config, s.policies)),
		registry: prometheus.NewRegistry(),
		logs:     &logLines{},
		addr:     freeAddress(t),
		probes:   freeAddress(t),
		ended:    make(chan error, 1),
	}
	log := out.logs.logger()
	reviewer, err := webhook.NewReviewer(out.engine.Current, objects, s.ledger, cfg)
	if err != nil {
		t.Fatal(err)
	}
	mutate, validate := webhook.NewHandlers(reviewer, log, log, webhook.NewMetrics(out.registry))
	out.server = &serving.Server{
		Listen: out.addr, ProbeListen: out.probes, Drain: s.drain,
		What: "the webhooks", Handlers: map[string]http.Handler{"/mutate": mutate, "/validate": validate},
		Metrics: out.registry, Log: log,
		Ready: func() (string, error) { return "policies " + out.engine.Set().Digest(), nil },
	}
	if s.wrap != nil {
		out.server.Handlers["/validate"] = s.wrap(validate)
	}
	out.authorities = x509.NewCertPool()
	shown := certs.ServedOptions{Dir: s.certDir, ClientCAFile: s.clientCA}
	if s.certDir == "" {
		cert, authority, err := certs.SelfSigned([]string{"127.0.0.1"}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		out.authorities.AppendCertsFromPEM(authority)
		shown.Made = &cert
	}
	certificate := certs.NewServed(shown, log)
	out.server.TLS = certificate.TLS
	out.client = out.newClient(t, nil)
	ctx, stop := context.WithCancel(context.Background())
	out.stop = stop
	go func() { out.ended <- out.server.Run(ctx) }()
	go func() { _ = certificate.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		out.client.CloseIdleConnections()
		if err := <-out.ended; err != nil {
			t.Error("server ended:", err)
		}
	})
	eventually(t, 10*time.Second, "the server to answer", out.server.Started)
	return out
}

// newClient returns a client with connections of its own. change, if any,
// changes its transport.
func (s *served) newClient(t testing.TB, change func(*http.Transport)) *http.Client {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: s.authorities, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
	if change != nil {
		change(transport)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// http1 makes a client speak HTTP/1.1.
func http1(t *http.Transport) {
	t.ForceAttemptHTTP2 = false
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
}

// post sends a body as a review and returns the status and the answer's text.
func (s *served) post(t testing.TB, client *http.Client, path string, body []byte) (status int, text string) {
	t.Helper()
	status, text, err := s.send(t.Context(), client, path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return status, text
}

func (s *served) send(ctx context.Context, client *http.Client, path string, body io.Reader) (status int, text string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+s.addr+path, body)
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

// review sends a review and returns the response in the answer.
func (s *served) review(t testing.TB, path string, body []byte) *admissionv1.AdmissionResponse {
	t.Helper()
	status, text := s.post(t, s.client, path, body)
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	return responseIn(t, text)
}

func responseIn(t testing.TB, text string) *admissionv1.AdmissionResponse {
	t.Helper()
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal([]byte(text), &review); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if review.APIVersion != "admission.k8s.io/v1" || review.Kind != "AdmissionReview" || review.Response == nil {
		t.Fatalf("not a review with a response: %s", text)
	}
	return review.Response
}

// probe asks a probe.
func (s *served) probe(t testing.TB, path string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.probes+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func eventually(t testing.TB, within time.Duration, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", within, what)
		}
	}
}

// logLines collects what a server logs.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) logger() logr.Logger {
	return funcr.New(func(prefix, args string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, prefix+args)
	}, funcr.Options{Verbosity: 1})
}

func (l *logLines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

// policy writes a policy with one check, named like it.
func policy(name, rules string) string {
	return fmt.Sprintf("# METADATA\n# title: %[1]s\n# custom:\n#   checks:\n#     %[1]s: what it holds\npackage usher.%[1]s\n\n%[2]s\n", name, rules)
}
