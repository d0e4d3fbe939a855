package tracing

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/pflag"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"google.golang.org/grpc/credentials"
)

// million is what sampling is counted in, as the API server's TracingConfiguration
// does.
const million = 1_000_000

// Options are the flags of a binary that traces.
type Options struct {
	// Endpoint is host:port of an OTLP receiver (gRPC). Empty: nothing is traced.
	Endpoint string
	// Insecure sends in plain text to any receiver, not only to one on this machine.
	Insecure bool
	// CAFile holds the authorities of the receiver's certificate, in PEM. Empty:
	// those that the system trusts.
	CAFile string
	// Sampling is how many of a million traces that begin here are recorded. One
	// that began elsewhere is recorded if it is there.
	Sampling int32
}

// AddFlags adds the flags.
func (o *Options) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&o.Endpoint, "otlp-endpoint", "", "host:port of an OpenTelemetry collector (OTLP over gRPC) for traces; empty: no traces")
	f.BoolVar(&o.Insecure, "otlp-insecure", false, "send traces in plain text; a collector on a loopback address is always sent plain text")
	f.StringVar(&o.CAFile, "otlp-ca-file", "", "PEM file of authorities of the collector's certificate; default: the system's")
	f.Int32Var(&o.Sampling, "otlp-sampling-per-million", 10_000, "how many of a million traces that begin here are recorded; one that the API server began is recorded if it says so")
}

// Validate says all that is wrong.
func (o *Options) Validate() error {
	var errs []error
	if o.Endpoint == "" {
		if o.Insecure || o.CAFile != "" {
			errs = append(errs, errors.New("--otlp-insecure and --otlp-ca-file need --otlp-endpoint"))
		}
	} else if host, port, err := net.SplitHostPort(o.Endpoint); err != nil || host == "" || port == "" {
		errs = append(errs, fmt.Errorf("--otlp-endpoint %q: want host:port, without a scheme", o.Endpoint))
	}
	if o.CAFile != "" && o.plain() {
		errs = append(errs, errors.New("--otlp-ca-file is not read where traces are sent in plain text: leave it or --otlp-insecure out"))
	}
	if o.Sampling < 0 || o.Sampling > million {
		errs = append(errs, fmt.Errorf("--otlp-sampling-per-million %d: want 0 to %d", o.Sampling, million))
	}
	return errors.Join(errs...)
}

// plain says whether traces are sent in plain text.
func (o *Options) plain() bool {
	host, _, err := net.SplitHostPort(o.Endpoint)
	ip := net.ParseIP(host)
	return err == nil && (o.Insecure || host == "localhost" || ip != nil && ip.IsLoopback())
}

// security is how the receiver is reached.
func (o *Options) security() (otlptracegrpc.Option, error) {
	if o.plain() {
		return otlptracegrpc.WithInsecure(), nil
	}
	trusted := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("--otlp-ca-file: %w", err)
		}
		trusted.RootCAs = x509.NewCertPool()
		if !trusted.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--otlp-ca-file: %s holds no certificate in PEM", o.CAFile)
		}
	}
	return otlptracegrpc.WithTLSCredentials(credentials.NewTLS(trusted)), nil
}
