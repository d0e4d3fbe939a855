package agent

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestProbesOfTheAgentItself(t *testing.T) {
	driver := newFakeDriver(gpu("a"))
	a, clock := newAgent(&Machine{Driver: driver})
	registry := prometheus.NewRegistry()
	a.Metrics = NewMetrics(registry)
	handler := (&Server{Agent: a, Metrics: registry}).handler()
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	want := func(path string, code int, text string) {
		t.Helper()
		if got, body := get(path); got != code || body != text {
			t.Errorf("%s: %d %q", path, got, body)
		}
	}
	store := &fakeStore{}
	want("/livez", 200, "ok\n")
	want("/readyz", 503, "nothing is reported yet\n")
	a.at(t, store, clock, 0)
	want("/readyz", 200, "ok\n")
	driver.err = ErrHung
	store.err = errAway
	a.at(t, store, clock, time.Minute)
	want("/livez", 200, "ok\n")
	want("/readyz", 200, "ok\nthe newest report is not written yet\n")
	clock.Step(stuckAfter + time.Second)
	want("/livez", 503, "no round has ended since 2026-06-01T12:01:00Z\n")

	_, metrics := get("/metrics")
	for _, line := range []string{
		`usher_agent_probe_duration_seconds_count{probe="inventory"} 2`,
		`usher_agent_probe_success{probe="inventory"} 0`,
		`usher_agent_probe_success{probe="nics"} 1`,
		`usher_agent_report_writes_total{outcome="failed"} 1`,
		`usher_agent_report_writes_total{outcome="written"} 1`,
		`usher_agent_report_sequence 1`,
		`usher_agent_gpus{health="Healthy"} 1`,
		`usher_agent_gpus{health="Unhealthy"} 0`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("no %s in\n%s", line, metrics)
		}
	}
}

func TestTheServerEndsWithItsContext(t *testing.T) {
	a, _ := newAgent(&Machine{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- (&Server{Listen: "127.0.0.1:0", Agent: a, Metrics: prometheus.NewRegistry()}).Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	if err := (&Server{Listen: taken.Addr().String(), Agent: a}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "listen for probes") {
		t.Errorf("error %v", err)
	}
}
