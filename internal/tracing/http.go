package tracing

import (
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// w3c reads and writes the headers traceparent and tracestate.
var w3c = propagation.TraceContext{}

// Handler traces what another one answers, as part of the client's trace where its
// request names one. name says what a request is, "" for one that is not traced.
func (t *Tracing) Handler(next http.Handler, name func(*http.Request) string) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called := name(r)
		if called == "" {
			next.ServeHTTP(w, r)
			return
		}
		ctx := w3c.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := start(ctx, t.tracer, called, trace.WithSpanKind(trace.SpanKindServer))
		if !span.Recorded() {
			next.ServeHTTP(w, r)
			return
		}
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Propagate tells the servers that a client asks of the trace that each request
// belongs to.
func Propagate(next http.RoundTripper) http.RoundTripper {
	return propagating{next}
}

type propagating struct{ next http.RoundTripper }

func (p propagating) RoundTrip(r *http.Request) (*http.Response, error) {
	if tracerOf(r.Context()) != nil {
		r = r.Clone(r.Context()) // a RoundTripper changes no request of its caller's
		w3c.Inject(r.Context(), propagation.HeaderCarrier(r.Header))
	}
	return p.next.RoundTrip(r)
}

// WrappedRoundTripper lets client-go look through it.
func (p propagating) WrappedRoundTripper() http.RoundTripper { return p.next }
