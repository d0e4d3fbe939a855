// Package collector takes traces in, for tests: an OTLP receiver over real gRPC.
package collector

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"

	collecttrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// Span is one span that was received.
type Span struct {
	Service, Name         string
	Trace, ID, Parent     string   // in hexadecimal; no Parent: it began its trace
	Links                 []string // IDs of spans of other traces
	Failed                bool
	Attributes            map[string]string
	StartNanos, EndNanos  uint64
	DroppedAttributeCount uint32
}

// Collector receives traces in plain text.
type Collector struct {
	collecttrace.UnimplementedTraceServiceServer

	// Address is host:port, of the loopback address.
	Address string

	mu    sync.Mutex
	spans []Span
}

// Start receives traces until the test ends; options such as TLS are gRPC's.
func Start(t testing.TB, options ...grpc.ServerOption) *Collector {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Collector{Address: listener.Addr().String()}
	server := grpc.NewServer(options...)
	collecttrace.RegisterTraceServiceServer(server, c)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Error("collector ended:", err)
		}
	})
	return c
}

// Export implements the receiver.
func (c *Collector) Export(_ context.Context, request *collecttrace.ExportTraceServiceRequest) (*collecttrace.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.GetResourceSpans() {
		service := attributes(resource.GetResource().GetAttributes())["service.name"]
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans = append(c.spans, received(service, span))
			}
		}
	}
	return &collecttrace.ExportTraceServiceResponse{}, nil
}

func received(service string, span *tracev1.Span) Span {
	out := Span{
		Service: service, Name: span.GetName(),
		Trace: hex.EncodeToString(span.GetTraceId()), ID: hex.EncodeToString(span.GetSpanId()), Parent: hex.EncodeToString(span.GetParentSpanId()),
		Failed:     span.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR,
		Attributes: attributes(span.GetAttributes()),
		StartNanos: span.GetStartTimeUnixNano(), EndNanos: span.GetEndTimeUnixNano(),
		DroppedAttributeCount: span.GetDroppedAttributesCount(),
	}
	for _, link := range span.GetLinks() {
		out.Links = append(out.Links, hex.EncodeToString(link.GetSpanId()))
	}
	return out
}

func attributes(pairs []*commonv1.KeyValue) map[string]string {
	out := map[string]string{}
	for _, pair := range pairs {
		switch v := pair.GetValue().GetValue().(type) {
		case *commonv1.AnyValue_StringValue:
			out[pair.GetKey()] = v.StringValue
		case *commonv1.AnyValue_IntValue:
			out[pair.GetKey()] = fmt.Sprint(v.IntValue)
		default:
			out[pair.GetKey()] = pair.GetValue().String()
		}
	}
	return out
}

// Spans are those that were received so far, in order of arrival.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Named are the spans of one name.
func (c *Collector) Named(name string) []Span {
	return slices.DeleteFunc(c.Spans(), func(s Span) bool { return s.Name != name })
}
