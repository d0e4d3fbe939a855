package tracing_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-logr/logr"

	"usher.dev/usher/internal/tracing"
	"usher.dev/usher/internal/tracing/collector"
)

// parent is what an API server sends whose span has the ID 00f067aa0ba902b7; the
// last digit says whether it is recorded.
const (
	trace      = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentSpan = "00f067aa0ba902b7"
	parent     = "00-" + trace + "-" + parentSpan + "-0"
)

func tracingTo(t *testing.T, c *collector.Collector, sampling int32) *tracing.Tracing {
	t.Helper()
	traces, err := tracing.New(&tracing.Options{Endpoint: c.Address, Sampling: sampling}, "usher-test", logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	return traces
}

// ask sends a request to a handler that takes one step.
func ask(t *testing.T, traces *tracing.Tracing, traceparent string) {
	t.Helper()
	handler := traces.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, span := tracing.Start(r.Context(), "step")
		span.Text("usher.word", strings.Repeat("ä", 300))
		span.Fail("how")
		span.End()
	}), func(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/") })
	for _, path := range []string{"/review", "/"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, http.NoBody)
		if traceparent != "" {
			r.Header.Set("traceparent", traceparent)
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func TestARequestBelongsToTheTraceOfItsClient(t *testing.T) {
	c := collector.Start(t)
	traces := tracingTo(t, c, 0)
	ask(t, traces, parent+"1")
	traces.Close()
	reviews, steps := c.Named("review"), c.Named("step")
	if len(c.Spans()) != 2 || len(reviews) != 1 || len(steps) != 1 {
		t.Fatalf("spans %v, want a review and its step", c.Spans())
	}
	review, step := reviews[0], steps[0]
	if review.Trace != trace || review.Parent != parentSpan || review.Service != "usher-test" {
		t.Errorf("the review is %+v", review)
	}
	if step.Trace != trace || step.Parent != review.ID || !step.Failed {
		t.Errorf("the step is %+v", step)
	}
	if text := step.Attributes["usher.word"]; len(text) > 256 || !utf8.ValidString(text) || !strings.HasPrefix(text, "ää") {
		t.Errorf("a long attribute is %q", text)
	}
}

func TestWhoBeganATraceSaysWhetherItIsRecorded(t *testing.T) {
	for _, tt := range []struct {
		name        string
		sampling    int32
		traceparent string
		want        int
	}{
		{"the API server records it", 0, parent + "1", 2},
		{"the API server does not", 1_000_000, parent + "0", 0},
		{"the API server does not trace, and traces that begin here are recorded", 1_000_000, "", 2},
		{"the API server does not trace, and traces that begin here are not", 0, "", 0},
		{"what is no trace begins one", 1_000_000, "00-x", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := collector.Start(t)
			traces := tracingTo(t, c, tt.sampling)
			ask(t, traces, tt.traceparent)
			traces.Close()
			if got := len(c.Spans()); got != tt.want {
				t.Errorf("%d spans, want %d: %v", got, tt.want, c.Spans())
			}
		})
	}
}

func TestAStepThatSeveralWaitForIsInTheTraceOfOneAndLinkedToTheOthers(t *testing.T) {
	c := collector.Start(t)
	traces := tracingTo(t, c, 1_000_000)
	ctx := traces.In(t.Context())
	var waiting []context.Context
	var spans []tracing.Span
	for range 3 {
		of, span := tracing.Start(ctx, "wait")
		waiting, spans = append(waiting, of), append(spans, span)
	}
	waiting = slices.Insert(waiting, 0, t.Context()) // one that is not traced
	_, write := tracing.StartShared(t.Context(), "write", len(waiting), func(i int) context.Context { return waiting[i] })
	write.End()
	for _, span := range spans {
		span.End()
	}
	traces.Close()
	writes, waits := c.Named("write"), c.Named("wait")
	if len(writes) != 1 || len(waits) != 3 {
		t.Fatalf("spans %v", c.Spans())
	}
	if writes[0].Parent != waits[0].ID || !slices.Equal(writes[0].Links, []string{waits[1].ID, waits[2].ID}) {
		t.Errorf("the write %+v of the waits %+v", writes[0], waits)
	}
	for i, wait := range waits[1:] {
		if !slices.Equal(wait.Links, []string{writes[0].ID}) {
			t.Errorf("wait %d is linked to %v", i+1, wait.Links)
		}
	}
}

func TestAClientTellsServersOfItsTrace(t *testing.T) {
	c := collector.Start(t)
	traces := tracingTo(t, c, 1_000_000)
	defer traces.Close()
	var told []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		told = append(told, r.Header.Get("traceparent"))
	}))
	defer server.Close()
	client := http.Client{Transport: tracing.Propagate(http.DefaultTransport)}
	traced, span := tracing.Start(traces.In(t.Context()), "write")
	for _, ctx := range []context.Context{traced, t.Context()} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if r.Header.Get("traceparent") != "" {
			t.Error("the caller's request was changed")
		}
	}
	if len(told) != 2 || !strings.Contains(told[0], span.TraceID()) || told[1] != "" {
		t.Errorf("the server was told %q", told)
	}
}

// A test of memory, not of time: what is off must not show in any benchmark.
func TestWhatIsNotTracedTakesNoMemory(t *testing.T) {
	if _, err := tracing.New(&tracing.Options{}, "usher-test", logr.Discard()); err != nil {
		t.Fatal(err)
	}
	ctx := (*tracing.Tracing)(nil).In(t.Context())
	waiting := []context.Context{ctx, ctx}
	if allocations := testing.AllocsPerRun(100, func() {
		step, span := tracing.Start(ctx, "step")
		span.Text("usher.word", "word")
		span.Count("usher.number", 1)
		span.Fail("how")
		span.End()
		tracing.Current(step).Text("usher.word", "word")
		_, shared := tracing.StartShared(step, "shared", len(waiting), func(i int) context.Context { return waiting[i] })
		shared.End()
	}); allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
	handler := http.NewServeMux()
	if (*tracing.Tracing)(nil).Handler(handler, nil) != http.Handler(handler) {
		t.Error("a handler that is not traced is wrapped")
	}
}

func TestACollectorThatIsAwayHoldsNobodyUp(t *testing.T) {
	traces, err := tracing.New(&tracing.Options{Endpoint: "127.0.0.1:1", Sampling: 1_000_000}, "usher-test", logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	ctx := traces.In(t.Context())
	for range 10_000 { // more than the queue holds
		_, span := tracing.Start(ctx, "step")
		span.End()
	}
	traces.Close()
}
