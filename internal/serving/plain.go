package serving

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/healthz"
)

// IsLoopback says whether a host is this machine and nobody else's.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 5 * time.Minute
	// endTimeout bounds how long requests in flight may take to end.
	endTimeout = 30 * time.Second
)

// plain serves over plain HTTP, as the webhook server does over TLS.
type plain struct {
	address string
	mux     *http.ServeMux
	started atomic.Bool
}

func newPlain(address string) *plain { return &plain{address: address, mux: http.NewServeMux()} }

func (p *plain) Register(path string, h http.Handler) { p.mux.Handle(path, h) }

// Start serves until the context ends and the requests in flight have.
func (p *plain) Start(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", p.address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: p.mux, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout}
	ended := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		ended <- server.Shutdown(end)
	})
	p.started.Store(true)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

// StartedChecker says whether the listener is open.
func (p *plain) StartedChecker() healthz.Checker {
	return func(*http.Request) error {
		if !p.started.Load() {
			return errors.New("not listening yet")
		}
		return nil
	}
}
