package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// slowPolicy runs until the deadline for pods with the label slow.
const slowPolicy = `# METADATA
# title: slow
# custom: {checks: {slow: nothing}}
package usher.slow

deny contains {"check": "slow", "msg": "found"} if {
	input.pod.metadata.labels.slow
	some a in numbers.range(1, 10000)
	some b in numbers.range(1, 10000)
	some c in numbers.range(1, 10000)
	(a * b) * c == -1
}
`

func startSlow(t *testing.T, args ...string) *process {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "policies/slow/slow.rego"), slowPolicy)
	cfg := write(t, filepath.Join(dir, "config.yaml"), "defaultMode: off\npolicies: {slow: {mode: warn}}\n")
	return start(t, append(args, "--policy-dir", filepath.Join(dir, "policies"), "--config", cfg)...)
}

func TestSIGTERMDrainsWithoutAFailedRequest(t *testing.T) {
	const drain = 3 * time.Second
	p := startSlow(t, "--drain", drain.String())
	body := podReview(t, nil, map[string]any{})

	// Clients with keep-alive connections that stop once readiness has fallen,
	// as the API server does when the endpoint is gone, a while later.
	var leave atomic.Bool
	var clients sync.WaitGroup
	var sent, sentDraining atomic.Int64
	var draining atomic.Bool
	for range 8 {
		clients.Go(func() {
			client := p.newClient(t)
			for !leave.Load() {
				answer, err := p.review(client, "/validate?timeout=10s", body)
				if err != nil || !answer.Allowed {
					t.Errorf("a review failed: %+v, %v", answer, err)
					return
				}
				sent.Add(1)
				if draining.Load() {
					sentDraining.Add(1)
				}
			}
		})
	}
	eventually(t, 20*time.Second, "some reviews", func() bool { return sent.Load() > 100 })

	p.signal(t, syscall.SIGTERM)
	told := time.Now()
	eventually(t, 2*time.Second, "readiness to fall", func() bool { status, _ := p.probe(t, "/readyz"); return status == http.StatusServiceUnavailable })
	draining.Store(true)
	if status, text := p.probe(t, "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(text, "not ready: draining") {
		t.Errorf("ready %d %s", status, text)
	}
	if status, _ := p.probe(t, "/livez"); status != http.StatusOK {
		t.Errorf("live %d while draining", status)
	}
	if _, err := p.review(p.newClient(t), "/validate", body); err != nil {
		t.Error("a new connection while draining:", err)
	}

	time.Sleep(time.Until(told.Add(drain / 2)))
	leave.Store(true)
	clients.Wait()
	if sentDraining.Load() < 10 {
		t.Errorf("only %d reviews while draining", sentDraining.Load())
	}

	// One that is in flight when the listener closes ends on its own, by the
	// deadline of its policy and not by the server's end.
	const timeout = 6 * time.Second
	began := time.Now()
	answer, err := p.review(p.newClient(t), "/validate?timeout="+timeout.String(), podReview(t, map[string]string{"slow": "yes"}, map[string]any{}))
	took := time.Since(began)
	if err != nil || !answer.Allowed || len(answer.Warnings) != 1 || !strings.Contains(answer.Warnings[0], "ran out of time") {
		t.Errorf("the request in flight: %+v, %v", answer, err)
	}
	if took < timeout*8/10 || time.Since(told) < drain {
		t.Errorf("the request in flight ended after %s, %s after the signal", took, time.Since(told))
	}
	if code := p.exit(t, 20*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(p.stderr.String(), `"msg":"stopped"`) {
		t.Error("the end is not in the log")
	}
	t.Logf("%d reviews, %d of them while draining", sent.Load(), sentDraining.Load())
}

func TestProbesTellWhatTheyKnow(t *testing.T) {
	p := start(t)
	for path, want := range map[string]string{"/startupz": "ok\n", "/livez": "ok\n", "/readyz": "ok\npolicies sha256:"} {
		if status, text := p.probe(t, path); status != http.StatusOK || !strings.HasPrefix(text, want) {
			t.Errorf("%s: %d %q", path, status, text)
		}
	}
	if status, _ := p.probe(t, "/validate"); status != http.StatusNotFound {
		t.Errorf("reviews over plain HTTP: %d", status)
	}
	p.signal(t, syscall.SIGINT)
	if code := p.exit(t, 20*time.Second); code != 0 {
		t.Errorf("exit code %d after SIGINT", code)
	}
}

func TestWithoutProbesOnlyTheWebhooksListen(t *testing.T) {
	addr := freeAddress(t)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	p := command(t, "--standalone", "--listen", addr, "--probe-listen", "", "--write-ca", authority, "--drain", "0s")
	p.run(t)
	eventually(t, 60*time.Second, "the webhooks to answer", func() bool { return strings.Contains(p.stderr.String(), `"handlers answer"`) })
	p.signal(t, syscall.SIGTERM)
	if code := p.exit(t, 20*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
