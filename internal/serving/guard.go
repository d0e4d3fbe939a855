package serving

import (
	"fmt"
	"net"
	"net/http"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
)

// maxAsking bounds how many clients the API server is asked about at once: whoever
// shows one wrong token after another makes it no work.
const maxAsking = 4

// Guard lets those through to a handler who may get its path, as the API server says
// of the bearer token that they show (TokenReview, SubjectAccessReview), and whoever
// asks from this machine: such as a port-forward, which the API server has allowed.
func Guard(cfg *rest.Config, log logr.Logger) (func(http.Handler) http.Handler, error) {
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	filter, err := filters.WithAuthenticationAndAuthorization(cfg, client)
	if err != nil {
		return nil, fmt.Errorf("ask the API server who may read metrics: %w", err)
	}
	return func(next http.Handler) http.Handler {
		others, err := filter(log, next)
		if err != nil {
			// It only wraps.
			panic(err)
		}
		asking := make(chan struct{}, maxAsking)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && IsLoopback(host) {
				next.ServeHTTP(w, r)
				return
			}
			select {
			case asking <- struct{}{}:
				defer func() { <-asking }()
				others.ServeHTTP(w, r)
			default:
				http.Error(w, "too many ask for metrics at once", http.StatusTooManyRequests)
			}
		})
	}, nil
}
