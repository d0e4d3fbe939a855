package tracing

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/internal/tracing/collector"
)

func TestFlagsThatDoNotFitAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options Options
		want    string // "": nothing is wrong
	}{
		{"no traces", Options{}, ""},
		{"a collector on this machine", Options{Endpoint: "127.0.0.1:4317"}, ""},
		{"a collector elsewhere", Options{Endpoint: "collector.monitoring.svc:4317", CAFile: "ca.crt"}, ""},
		{"plain text to elsewhere, said so", Options{Endpoint: "collector.monitoring.svc:4317", Insecure: true}, ""},
		{"a URL", Options{Endpoint: "http://collector:4317"}, "want host:port, without a scheme"},
		{"no port", Options{Endpoint: "collector"}, "want host:port"},
		{"no endpoint", Options{Insecure: true}, "need --otlp-endpoint"},
		{"authorities for plain text", Options{Endpoint: "localhost:4317", CAFile: "ca.crt"}, "--otlp-ca-file is not read"},
		{"more than all", Options{Sampling: 1_000_001}, "want 0 to 1000000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.options.Validate()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestACollectorElsewhereIsKnownByItsCertificate(t *testing.T) {
	certificate, authority, err := certs.SelfSigned([]string{"127.0.0.1"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c := collector.Start(t, grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	file := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(file, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	// The receiver's address is a loopback one, to which New would send plain text.
	_, port, _ := strings.Cut(c.Address, ":")
	for _, tt := range []struct {
		name, file string
		want       int
	}{{"its authority is trusted", file, 1}, {"it is not", "", 0}} {
		o := &Options{Endpoint: "collector.example:" + port, CAFile: tt.file, Sampling: million}
		security, err := o.security()
		if err != nil {
			t.Fatal(err)
		}
		before := len(c.Spans())
		traces, err := to(o, c.Address, "usher-test", security, logr.Discard())
		if err != nil {
			t.Fatal(err)
		}
		_, span := Start(traces.In(context.Background()), "step")
		span.End()
		traces.Close()
		if got := len(c.Spans()) - before; got != tt.want {
			t.Errorf("%s: %d spans, want %d", tt.name, got, tt.want)
		}
	}
}

func TestAnUnreadableAuthorityIsAnError(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{empty: "holds no certificate", empty + "x": "no such file"} {
		if _, err := New(&Options{Endpoint: "collector.example:4317", CAFile: file}, "usher-test", logr.Discard()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
