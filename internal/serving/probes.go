package serving

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Probes answers /startupz, /livez, /readyz and /metrics over plain HTTP.
type Probes struct {
	// Listen is host:port.
	Listen string
	// Started says why the process has not started yet, nil once it has. A nil
	// function: it has when the probes answer.
	Started func() error
	// Ready says why the process is not ready, nil when it is. detail is shown
	// either way.
	Ready   func() (detail string, err error)
	Metrics prometheus.Gatherer
	// Guard stands before the metrics; nil: everybody gets them.
	Guard func(http.Handler) http.Handler
}

// Serve opens the listener and returns what answers until the context ends.
func (p *Probes) Serve(ctx context.Context) (func() error, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", p.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for probes: %w", err)
	}
	server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve probes: %w", err)
		}
		return nil
	}, nil
}

func (p *Probes) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /startupz", func(w http.ResponseWriter, _ *http.Request) {
		if p.Started != nil {
			if err := p.Started(); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		detail, err := p.Ready()
		if err != nil {
			http.Error(w, "not ready: "+err.Error()+"\n"+detail, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "ok\n%s\n", detail)
	})
	metrics := promhttp.HandlerFor(p.Metrics, promhttp.HandlerOpts{})
	if p.Guard != nil {
		metrics = p.Guard(metrics)
	}
	mux.Handle("GET /metrics", metrics)
	return mux
}
