package tracing

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"usher.dev/usher/internal/version"
)

const (
	// flushTimeout bounds how long the end of a process waits for its last spans.
	flushTimeout = 2 * time.Second
	// complainEvery bounds how often the log says that spans are lost.
	complainEvery = time.Minute
)

// limits bound what one span takes; a ledger's write has one link for each of the
// 64 requests that may share it.
var limits = sdktrace.SpanLimits{
	AttributeValueLengthLimit:   maxText,
	AttributeCountLimit:         32,
	EventCountLimit:             16,
	LinkCountLimit:              64,
	AttributePerEventCountLimit: 8,
	AttributePerLinkCountLimit:  8,
}

// Tracing is where spans go. Nil is a working one: nothing is traced.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// New returns where the spans of a service go, nil where the options name no
// receiver. It does not wait for one: spans that none takes are dropped.
func New(o *Options, service string, log logr.Logger) (*Tracing, error) {
	if o.Endpoint == "" {
		return nil, nil
	}
	security, err := o.security()
	if err != nil {
		return nil, err
	}
	return to(o, o.Endpoint, service, security, log)
}

func to(o *Options, endpoint, service string, security otlptracegrpc.Option, log logr.Logger) (*Tracing, error) {
	exporter, err := otlptracegrpc.New(context.Background(), otlptracegrpc.WithEndpoint(endpoint), security)
	if err != nil {
		return nil, fmt.Errorf("send traces to %s: %w", endpoint, err)
	}
	otel.SetErrorHandler(complaints(log))
	// By the names of OpenTelemetry's semantic conventions; OTEL_RESOURCE_ATTRIBUTES
	// may add others, such as the pod's name.
	described, err := resource.New(context.Background(), resource.WithFromEnv(), resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", service),
		attribute.String("service.version", version.String()),
	))
	if err != nil {
		return nil, fmt.Errorf("describe the process in traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(described),
		sdktrace.WithRawSpanLimits(limits),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(float64(o.Sampling)/million))),
	)
	return &Tracing{provider, provider.Tracer("usher.dev/usher")}, nil
}

// In returns a context in which steps that belong to no trace begin one.
func (t *Tracing) In(ctx context.Context) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, tracerKey{}, t.tracer)
}

// Close sends what is left, for a while.
func (t *Tracing) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	// What cannot be sent has been complained of.
	_ = t.provider.Shutdown(ctx)
}

// complaints logs what goes wrong with spans, now and then: the collector may be
// away for hours, and no request suffers from that.
func complaints(log logr.Logger) otel.ErrorHandler {
	var last atomic.Int64
	return otel.ErrorHandlerFunc(func(err error) {
		now, before := time.Now().UnixNano(), last.Load()
		if now-before < int64(complainEvery) || !last.CompareAndSwap(before, now) {
			return
		}
		log.Info("traces are lost", "reason", err.Error())
	})
}
