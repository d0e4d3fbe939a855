// Package serving runs usher's HTTP servers: TLS or loopback, with probes and
// metrics beside it, and a drain at the end.
package serving

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
)

// Server serves handlers over TLS, and probes and metrics over plain HTTP.
type Server struct {
	// What names the handlers in messages, in the plural, such as "the webhooks".
	What string
	// Handlers are served by path, as http.ServeMux understands it.
	Handlers map[string]http.Handler

	// Listen is host:port of the handlers.
	Listen string
	// Plain serves the handlers over plain HTTP: on loopback addresses only.
	Plain bool
	// TLS sets up the listener's TLS: the certificate first of all.
	TLS func(*tls.Config)

	// ProbeListen is host:port of /startupz, /livez, /readyz and /metrics. Empty: none.
	ProbeListen string
	// Drain is how long the server goes on answering after it has said that it
	// is not ready any more.
	Drain time.Duration

	// Ready says why the server is not ready, nil when it is. detail is shown
	// either way.
	Ready   func() (detail string, err error)
	Metrics prometheus.Gatherer
	// Guard stands before the metrics; nil: everybody gets them.
	Guard func(http.Handler) http.Handler
	Log   logr.Logger

	draining atomic.Bool
	started  atomic.Bool
}

// Run serves until the context ends, then drains: readiness falls, requests go
// on being answered for Drain, those in flight end, the listener closes.
func (s *Server) Run(ctx context.Context) error {
	host, portText, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return fmt.Errorf("listen on %q: want host:port: %w", s.Listen, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < 1 || port > 65535 {
		return fmt.Errorf("listen on %q: %q is no port", s.Listen, portText)
	}
	server, err := s.listener(host, port)
	if err != nil {
		return err
	}
	// The handlers outlive the signal, and the probes outlive the handlers.
	handlers, stopHandlers := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHandlers()
	probes, stopProbes := context.WithCancel(context.WithoutCancel(ctx))
	defer stopProbes()

	for path, h := range s.Handlers {
		server.Register(path, s.leave(finish(handlers, h)))
	}

	served, probed := make(chan error, 1), make(chan error, 1)
	if s.ProbeListen != "" {
		serve, err := s.probes().Serve(probes)
		if err != nil {
			return err
		}
		go func() { probed <- serve() }()
	}
	go func() { served <- server.Start(handlers) }()
	go s.awaitStart(handlers, server.StartedChecker())

	ended := func(err error) error { return fmt.Errorf("serve: %w", err) }
	select {
	case err := <-served:
		return ended(err)
	case err := <-probed:
		return ended(err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.Log.Info("draining", "seconds", s.Drain.Seconds())
	select {
	case err := <-served:
		return ended(err)
	case <-time.After(s.Drain):
	}
	stopHandlers()
	return <-served // once the requests in flight have ended
}

// listener is what serves the handlers.
type listener interface {
	Register(path string, h http.Handler)
	Start(ctx context.Context) error
	StartedChecker() healthz.Checker
}

func (s *Server) listener(host string, port int) (listener, error) {
	if s.Plain {
		if !IsLoopback(host) {
			return nil, fmt.Errorf("listen on %q: plain HTTP is for loopback addresses alone", s.Listen)
		}
		return newPlain(s.Listen), nil
	}
	return ctrlwebhook.NewServer(ctrlwebhook.Options{
		Host: host,
		Port: port,
		TLSOpts: []func(*tls.Config){func(c *tls.Config) {
			c.MinVersion = tls.VersionTLS12
			s.TLS(c)
		}},
	}), nil
}

// awaitStart notes when the listener answers.
func (s *Server) awaitStart(ctx context.Context, check healthz.Checker) {
	for ctx.Err() == nil {
		if answers(check(nil)) {
			s.started.Store(true)
			s.Log.Info("handlers answer", "handlers", s.What, "address", s.Listen)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// answers reports whether somebody listens. A server without a certificate refuses
// the handshake, and has started all the same: its readiness says what it lacks.
func answers(err error) bool {
	var refused *net.OpError
	return err == nil || errors.As(err, &refused) && refused.Op == "remote error"
}

// finish lets the requests in flight end on their own when the server stops.
// Their contexts hang below the server's, so a request's ends with the server's
// as well as when its client goes away; only the latter is passed on.
func finish(serving context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
		defer cancel()
		stop := context.AfterFunc(r.Context(), func() {
			if serving.Err() == nil {
				cancel()
			}
		})
		defer stop()
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// leave answers requests while the server drains, and asks their clients to use
// another connection for the next: one that was left open until the listener closes
// may just then be given a request, which would get no answer, and which a client
// may not send again.
func (s *Server) leave(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// Started reports whether the listener answers.
func (s *Server) Started() bool { return s.started.Load() }

// probes are those of the handlers.
func (s *Server) probes() *Probes {
	starting := func() error {
		if !s.started.Load() {
			return errors.New(s.What + " do not answer yet")
		}
		return nil
	}
	return &Probes{
		Listen:  s.ProbeListen,
		Started: starting,
		Metrics: s.Metrics,
		Guard:   s.Guard,
		Ready: func() (detail string, err error) {
			detail, err = s.Ready()
			switch {
			case s.draining.Load():
				err = errors.New("draining")
			case err == nil:
				err = starting()
			}
			return detail, err
		},
	}
}
