package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/internal/logging"
	"usher.dev/usher/internal/serving"
)

// serveOptions are the flags of `bench serve`, named as usher-webhook's are.
type serveOptions struct {
	listen, probeListen, writeCA, objects, config, pprofListen string
}

// serve runs one server of a comparison until the context ends. All of them
// are usher's own server around another handler: the same TLS and HTTP/2, or
// plain HTTP, the same limits and log.
func serve(ctx context.Context, args []string, stderr io.Writer) error {
	if len(args) == 0 {
		return errors.New("serve what? allow, upstream, usher or thoughtless")
	}
	var o serveOptions
	f := flag.NewFlagSet("bench serve", flag.ContinueOnError)
	f.StringVar(&o.listen, "listen", "127.0.0.1:9443", "address of the webhook (TLS)")
	f.StringVar(&o.probeListen, "probe-listen", "127.0.0.1:8081", "address of probes and metrics")
	f.StringVar(&o.writeCA, "write-ca", "", "file to write the authority's certificate to")
	f.StringVar(&o.objects, "objects", "", "folder of Namespaces and Tenants")
	f.StringVar(&o.config, "config", "", "configuration file")
	f.StringVar(&o.pprofListen, "pprof-listen", "", "address of the profiler; empty for none")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	logs := logging.New(stderr, false)
	defer logs.Sync()
	ctrl.SetLogger(logs.Log)
	registry := prometheus.NewRegistry()
	server := &serving.Server{
		Listen: o.listen, ProbeListen: o.probeListen,
		What:    "the handlers",
		Ready:   func() (string, error) { return "", nil },
		Metrics: registry, Log: logs.Log,
	}
	var validate http.Handler
	var err error
	switch args[0] {
	case "allow":
		validate = allowHandler()
	case "upstream":
		validate, err = upstreamHandler()
	case "usher":
		validate, err = usherHandler(o.objects, o.config, logs, registry)
	case "thoughtless":
		server.Plain, server.Handlers = true, thoughtlessHandlers()
		return server.Run(ctx)
	default:
		err = fmt.Errorf("serve %q: there are allow, upstream, usher and thoughtless", args[0])
	}
	if err != nil {
		return err
	}
	if o.pprofListen != "" {
		if err := serveProfiles(ctx, o.pprofListen); err != nil {
			return err
		}
	}
	cert, authority, err := certs.SelfSigned([]string{"localhost", "127.0.0.1"}, 24*time.Hour)
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.writeCA, authority, 0o600); err != nil {
		return err
	}
	server.Handlers = map[string]http.Handler{"/validate": validate}
	server.TLS = func(c *tls.Config) {
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	return server.Run(ctx)
}

// serveProfiles serves net/http/pprof until the context ends.
func serveProfiles(ctx context.Context, address string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.Handle("/debug/pprof/allocs", pprof.Handler("allocs"))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()
	return nil
}
