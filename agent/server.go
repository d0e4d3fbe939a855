package agent

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

// stuckAfter is how long a round may take: well above what the time-outs of the
// driver, the kubelet and the API server add up to.
const stuckAfter = 5 * time.Minute

// Server answers /livez, /readyz and /metrics.
type Server struct {
	Listen  string
	Agent   *Agent
	Metrics prometheus.Gatherer
}

// Run serves until the context ends.
func (s *Server) Run(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("listen for probes: %w", err)
	}
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve probes: %w", err)
	}
	return nil
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", answer(s.Agent.alive))
	mux.HandleFunc("GET /readyz", answer(s.Agent.ready))
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{}))
	return mux
}

func answer(check func() (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		detail, err := check()
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
		if detail != "" {
			fmt.Fprintln(w, detail)
		}
	}
}

// alive says whether rounds go on. A driver that hangs does not stop them.
func (a *Agent) alive() (string, error) {
	s := a.state.Load()
	if s != nil && a.Clock.Since(s.round) > stuckAfter {
		return "", fmt.Errorf("no round has ended since %s", s.round.Format(time.RFC3339))
	}
	return "", nil
}

// ready says whether a report was ever written. An API server that is away later
// is no fault of the agent's.
func (a *Agent) ready() (string, error) {
	s := a.state.Load()
	if s == nil || !s.reported {
		return "", errors.New("nothing is reported yet")
	}
	return s.detail, nil
}
