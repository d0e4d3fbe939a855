// Package tracing tells an OpenTelemetry collector how long the steps of a request
// took. It is the only importer of OpenTelemetry. Where nothing is traced, a step
// costs one look into its context and no memory.
package tracing

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// maxText bounds the bytes of an attribute's value: names of Kubernetes have 253.
const maxText = 256

// tracerKey is the context's key of what begins spans, where something is recorded.
type tracerKey struct{}

func tracerOf(ctx context.Context) trace.Tracer {
	tracer, _ := ctx.Value(tracerKey{}).(trace.Tracer)
	return tracer
}

// Span is one step of what is traced. The zero value records nothing. Its
// attributes are names, numbers and words of usher's own: never objects, nor what
// users wrote into them.
type Span struct{ span trace.Span }

// Start begins a step of what a context traces, or where it is of Tracing.In, a new
// trace. The step's own steps begin with the context that it returns.
func Start(ctx context.Context, name string) (context.Context, Span) {
	tracer := tracerOf(ctx)
	if tracer == nil {
		return ctx, Span{}
	}
	return start(ctx, tracer, name)
}

func start(ctx context.Context, tracer trace.Tracer, name string, options ...trace.SpanStartOption) (context.Context, Span) {
	ctx, span := tracer.Start(ctx, name, options...)
	if !span.IsRecording() {
		// Of the rest nothing is recorded either.
		return context.WithValue(ctx, tracerKey{}, nil), Span{}
	}
	return context.WithValue(ctx, tracerKey{}, tracer), Span{span}
}

// StartShared begins a step that n wait for, within ctx; waiting returns the context
// of each. It belongs to the trace of the first that is traced, and is linked to
// those of the others, and they to it.
func StartShared(ctx context.Context, name string, n int, waiting func(i int) context.Context) (context.Context, Span) {
	var tracer trace.Tracer
	var others []trace.Span
	var links []trace.Link
	for i := range n {
		of := waiting(i)
		t := tracerOf(of)
		switch {
		case t == nil:
		case tracer == nil:
			tracer, ctx = t, trace.ContextWithSpan(ctx, trace.SpanFromContext(of))
		default:
			others = append(others, trace.SpanFromContext(of))
			links = append(links, trace.LinkFromContext(of))
		}
	}
	if tracer == nil {
		return ctx, Span{}
	}
	ctx, span := start(ctx, tracer, name, trace.WithLinks(links...))
	for _, other := range others {
		other.AddLink(trace.LinkFromContext(ctx))
	}
	return ctx, span
}

// Current is the step that a context belongs to.
func Current(ctx context.Context) Span {
	if tracerOf(ctx) == nil {
		return Span{}
	}
	return Span{trace.SpanFromContext(ctx)}
}

// Recorded says whether anything becomes of what is said of the span.
func (s Span) Recorded() bool { return s.span != nil }

// TraceID is the ID of the trace, "" where nothing is recorded.
func (s Span) TraceID() string {
	if s.span == nil {
		return ""
	}
	return s.span.SpanContext().TraceID().String()
}

// Text sets an attribute. What is longer than a name may be is cut.
func (s Span) Text(key, value string) {
	if s.span != nil && value != "" {
		s.span.SetAttributes(attribute.String(key, strings.ToValidUTF8(value[:min(len(value), maxText)], "")))
	}
}

// Count sets an attribute.
func (s Span) Count(key string, n int) {
	if s.span != nil {
		s.span.SetAttributes(attribute.Int(key, n))
	}
}

// Fail says that the step failed, in a word: an error's text may quote what a user
// wrote.
func (s Span) Fail(how string) {
	if s.span != nil {
		s.span.SetStatus(codes.Error, how)
	}
}

// End ends the step; a second end changes nothing.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}
