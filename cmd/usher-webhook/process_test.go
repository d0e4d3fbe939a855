package main

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
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
)

const asCommand = "USHER_WEBHOOK_TEST_AS_COMMAND"

// TestMain runs the tests, or in a process that a test started, the command.
func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is usher-webhook in a process of its own.
type process struct {
	cmd          *exec.Cmd
	addr, probes string
	authorities  *x509.CertPool
	stderr       *output
	exited       chan struct{} // closed when it has exited
}

// output collects what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// command prepares a process with those flags and the GOMEMLIMIT of the manifest.
func command(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{stderr: &output{}, exited: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], args...)
	p.cmd.Env = append(os.Environ(), asCommand+"=1", "GOMEMLIMIT="+inManifest(t, `name: GOMEMLIMIT\s+value: (\w+)`))
	p.cmd.Stderr = p.stderr
	return p
}

// inManifest returns what stands in the manifest of the Deployment.
func inManifest(t testing.TB, pattern string) string {
	t.Helper()
	manifest, err := os.ReadFile("../../manifests/base/deployment.yaml")
	must(t, err)
	found := regexp.MustCompile(pattern).FindSubmatch(manifest)
	if found == nil {
		t.Fatalf("nothing in the manifest matches %s", pattern)
	}
	return string(found[1])
}

func (p *process) run(t testing.TB) {
	t.Helper()
	must(t, p.cmd.Start())
	go func() { defer close(p.exited); _ = p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			log := p.stderr.String()
			t.Logf("the process said:\n%s", log[max(0, len(log)-4096):])
		}
	})
}

// start runs a standalone webhook until it is ready. It makes its certificate
// itself unless the flags name one.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	addr, probes := freeAddress(t), freeAddress(t)
	flags := []string{"--standalone", "--listen", addr, "--probe-listen", probes}
	made := !strings.Contains(strings.Join(args, " "), "--cert-dir")
	if made {
		flags = append(flags, "--write-ca", authority)
	}
	p := command(t, append(flags, args...)...)
	p.addr, p.probes, p.authorities = addr, probes, x509.NewCertPool()
	p.run(t)
	eventually(t, 60*time.Second, "the process to be ready", func() bool {
		select {
		case <-p.exited:
			t.Fatalf("exit code %d", p.cmd.ProcessState.ExitCode())
		default:
		}
		status, _ := p.probe(t, "/readyz")
		return status == http.StatusOK
	})
	if made {
		pem, err := os.ReadFile(authority)
		must(t, err)
		p.authorities.AppendCertsFromPEM(pem)
	}
	return p
}

func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	must(t, p.cmd.Process.Signal(s))
}

// exit waits for the exit code.
func (p *process) exit(t testing.TB, within time.Duration) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		t.Fatalf("the process did not exit within %s", within)
		return -1
	}
}

// newClient returns a client with connections of its own.
func (p *process) newClient(t testing.TB) *http.Client {
	t.Helper()
	cfg := &tls.Config{RootCAs: p.authorities, MinVersion: tls.VersionTLS12}
	transport := &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// review sends a review; the error is nil only for an answer that holds a
// response.
func (p *process) review(client *http.Client, path string, body []byte) (*admissionv1.AdmissionResponse, error) {
	status, answer, err := p.post(client, path, body)
	if err != nil {
		return nil, err
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal([]byte(answer), &review); err != nil || status != http.StatusOK || review.Response == nil {
		return nil, fmt.Errorf("status %d: %s", status, answer)
	}
	return review.Response, nil
}

func (p *process) post(client *http.Client, path string, body []byte) (status int, answer string, err error) {
	response, err := client.Post("https://"+p.addr+path, "application/json", bytes.NewReader(body)) //nolint:noctx // the client has a time-out
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, string(raw), err
}

// probe asks a probe; status 0 says that nobody answers.
func (p *process) probe(t testing.TB, path string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.probes+path, nil)
	must(t, err)
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(raw)
}

// metric returns the value of a metric, "" if there is none of that name and
// those labels.
func (p *process) metric(t testing.TB, series string) string {
	t.Helper()
	_, text := p.probe(t, "/metrics")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func podReview(t testing.TB, labels map[string]string, spec any) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": map[string]any{
		"uid": "u1", "operation": "CREATE", "namespace": "team", "userInfo": map[string]any{"username": "jane"},
		"kind":   map[string]any{"group": "", "version": "v1", "kind": "Pod"},
		"object": map[string]any{"metadata": map[string]any{"name": "web", "labels": labels}, "spec": spec},
	}})
	must(t, err)
	return body
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
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

func write(t testing.TB, path, text string) string {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
