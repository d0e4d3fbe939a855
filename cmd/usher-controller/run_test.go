package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// buffer is a log that is read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// freeAddress is one that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestWithoutAnAPIServerItWaitsSaysSoAndEndsWhenTold(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, os.WriteFile(kubeconfig, fmt.Appendf(nil, `{apiVersion: v1, kind: Config, current-context: a,
contexts: [{name: a, context: {cluster: a}}], clusters: [{name: a, cluster: {server: "http://%s"}}]}`, freeAddress(t)), 0o600))
	probes := freeAddress(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stderr buffer
	code := make(chan int, 1)
	go func() { code <- execute(ctx, []string{"--kubeconfig", kubeconfig, "--probe-listen", probes}, &stderr) }()

	get := func(path string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+probes+path, http.NoBody)
		must(t, err)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err.Error()
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		must(t, err)
		return response.StatusCode, string(body)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		status, text := get("/readyz")
		if status == http.StatusServiceUnavailable && strings.HasPrefix(text, "not ready: ask the API server for the kind ") && strings.HasSuffix(text, "\nstandby\n") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("ready %d %s\n%s", status, text, stderr.String())
		}
	}
	for path, want := range map[string]string{"/livez": "ok\n", "/startupz": "ok\n", "/metrics": "\ngo_goroutines "} {
		if status, text := get(path); status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if !strings.Contains(stderr.String(), `"cannot begin yet"`) {
		t.Errorf("not in the log:\n%s", stderr.String())
	}
	stop()
	if got := <-code; got != 0 || !strings.Contains(stderr.String(), `"msg":"stopped"`) {
		t.Errorf("exit code %d\n%s", got, stderr.String())
	}
}

func TestAProbeAddressThatIsTakenEndsWithCodeOne(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, os.WriteFile(kubeconfig, []byte(`{apiVersion: v1, kind: Config, current-context: a,
contexts: [{name: a, context: {cluster: a}}], clusters: [{name: a, cluster: {server: "http://127.0.0.1:1"}}]}`), 0o600))
	var stderr buffer
	code := execute(t.Context(), []string{"--kubeconfig", kubeconfig, "--probe-listen", taken.Addr().String()}, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "listen for probes: ") {
		t.Errorf("exit code %d\n%s", code, stderr.String())
	}
}

func TestReadinessFollowsTheCachesNotTheLease(t *testing.T) {
	var p progress
	elected := make(chan struct{})
	want := func(step, detail, reason string) {
		t.Helper()
		got, err := p.ready()
		if got != detail || (err == nil) != (reason == "") || err != nil && err.Error() != reason {
			t.Errorf("%s: %q, %v; want %q, %q", step, got, err, detail, reason)
		}
	}
	want("at first", "standby", "starting")
	p.waiting(errors.New("no API server"))
	want("without an API server", "standby", "no API server")
	p.synced()
	want("in sync", "standby", "")
	close(elected)
	p.awaitLead(t.Context(), elected)
	want("elected", "leader", "")
	p.certificates = func() string { return "certificates not kept: forbidden" }
	want("with certificates that cannot be kept", "leader\ncertificates not kept: forbidden", "")
	p.certificates = nil
	p.ending()
	want("at the end", "leader", "ending")
}
