package load

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// How often, and how long after, a request is sent again whose API server went
// away.
const (
	resends     = 5
	resendAfter = 200 * time.Millisecond
)

// request is what is known of one request besides its answer.
type request struct {
	auditID  string
	resent   int
	mu       sync.Mutex
	warnings []string
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

// connect returns a client with connections of its own. Requests are sent again when
// the connection to an API server breaks while one goes away.
func connect(config *rest.Config, goingAway *atomic.Int32) (dynamic.Interface, error) {
	own := rest.CopyConfig(config)
	// A dialer of its own keeps client-go from sharing connections.
	own.Dial = (&net.Dialer{}).DialContext
	own.WarningHandlerWithContext = listener{}
	own.Wrap(func(next http.RoundTripper) http.RoundTripper { return &sender{next, goingAway} })
	return dynamic.NewForConfig(own)
}

// sender names each request for the audit log.
type sender struct {
	next      http.RoundTripper
	goingAway *atomic.Int32
}

// RoundTrip implements http.RoundTripper.
func (s *sender) RoundTrip(r *http.Request) (*http.Response, error) {
	about := requestOf(r.Context())
	if about == nil {
		return s.next.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	r.Header.Set("Audit-ID", about.auditID)
	for {
		response, err := s.next.RoundTrip(r)
		if err == nil || !broken(err) || s.goingAway.Load() == 0 || about.resent == resends || r.Body != nil && r.GetBody == nil {
			return response, err
		}
		about.resent++
		time.Sleep(resendAfter)
		if r.GetBody == nil {
			continue
		}
		if r.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
}

// broken says whether a request got no answer since its connection ended, or could
// not be made.
func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "http2: ")
}

// listener notes warnings with the request that they answer.
type listener struct{}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (listener) HandleWarningHeaderWithContext(ctx context.Context, _ int, _, text string) {
	if about := requestOf(ctx); about != nil {
		about.mu.Lock()
		defer about.mu.Unlock()
		about.warnings = append(about.warnings, text)
	}
}
