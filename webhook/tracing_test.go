package webhook_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/tracing"
	"usher.dev/usher/internal/tracing/collector"
	"usher.dev/usher/policies"
	"usher.dev/usher/webhook"
)

// recorded is the traceparent of a span of the API server's that is recorded.
const (
	recordedTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	recorded      = "00-" + recordedTrace + "-00f067aa0ba902b7-01"
)

func TestAReviewIsTracedStepByStep(t *testing.T) {
	c := collector.Start(t)
	traces := tracesTo(t, c.Address)
	validate := traces.Handler(tracedHandler(t), webhook.TraceName)
	// What a user wrote is nobody's business but the policies'.
	const secret = "hunter2-do-not-tell"
	body := strings.NewReplacer(`"value":"b"`, `"value":"`+secret+`"`, `"app":"web"`, `"app":"`+secret+`"`).Replace(replicaReview(1))
	if !strings.Contains(body, secret) {
		t.Fatal("the review has no secret")
	}
	for range 2 { // the second is remembered
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate?timeout=10s", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("traceparent", recorded)
		w := httptest.NewRecorder()
		validate.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), `"allowed":true`) {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
	}
	traces.Close()

	reviews := c.Named("review validate")
	if len(reviews) != 2 {
		t.Fatalf("spans %v", c.Spans())
	}
	for key, want := range map[string]string{
		"usher.decision": "allowed", "usher.operation": "CREATE", "usher.kind": "Pod.v1", "k8s.namespace.name": "team", "usher.denied": "0",
	} {
		if got := reviews[0].Attributes[key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	sources := map[string][]string{}
	for _, span := range c.Spans() {
		if span.Trace != recordedTrace {
			t.Errorf("%s is in trace %s", span.Name, span.Trace)
		}
		if text := fmt.Sprint(span); strings.Contains(text, secret) {
			t.Errorf("a span tells what a user wrote: %s", text)
		}
		if span.Name != "review validate" && span.Parent != reviews[0].ID && span.Parent != reviews[1].ID {
			t.Errorf("%s is a step of no review", span.Name)
		}
		if span.Name == "policy" {
			name := span.Attributes["usher.policy"]
			sources[name] = append(sources[name], span.Attributes["usher.source"])
		}
	}
	if n := len(c.Named("decode")); n != 2 {
		t.Errorf("%d reviews were decoded", n)
	}
	if lookups := c.Named("look up"); len(lookups) != 2 || lookups[0].Attributes["usher.tenant"] != "a" {
		t.Errorf("lookups %v", lookups)
	}
	for _, policy := range []string{"resource_limits", "pod_security", "tenant_isolation"} {
		if want := []string{"rego", "cache"}; !slices.Equal(sources[policy], want) {
			t.Errorf("policy %s was answered by %v, want %v", policy, sources[policy], want)
		}
	}
}

func tracesTo(t testing.TB, address string) *tracing.Tracing {
	t.Helper()
	traces, err := tracing.New(&tracing.Options{Endpoint: address}, "usher-webhook", logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	return traces
}

func tracedHandler(t testing.TB) http.Handler {
	t.Helper()
	set, err := engine.Compile(config.Default(), policies.FS)
	must(t, err)
	objects := cluster.NewObjects()
	must(t, objects.AddYAML([]byte(benchNamespace)))
	reviewer, err := webhook.NewReviewer(engine.New(set).Current, objects, nil, config.Default())
	must(t, err)
	_, validate := webhook.NewHandlers(reviewer, logr.Discard(), logr.Discard(), webhook.NewMetrics(prometheus.NewRegistry()))
	return validate
}

// BenchmarkTracing is a review of one of the pods of a ReplicaSet: without tracing,
// with it where the API server does not record the trace, and where it does.
func BenchmarkTracing(b *testing.B) {
	c := collector.Start(b)
	traces := tracesTo(b, c.Address)
	defer traces.Close()
	for _, bench := range []struct{ name, traceparent string }{{"off", ""}, {"not recorded", recorded[:len(recorded)-1] + "0"}, {"recorded", recorded}} {
		b.Run(bench.name, func(b *testing.B) {
			validate := tracedHandler(b)
			if bench.traceparent != "" {
				validate = traces.Handler(validate, webhook.TraceName)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/validate?timeout=10s", bytes.NewReader([]byte(replicaReview(i))))
				r.Header.Set("Content-Type", "application/json")
				if bench.traceparent != "" {
					r.Header.Set("traceparent", bench.traceparent)
				}
				w := httptest.NewRecorder()
				validate.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
		})
	}
}
