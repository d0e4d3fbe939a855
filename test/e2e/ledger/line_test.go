package ledger

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// line is a connection to the API server that can break: a proxy on the loopback
// address.
type line struct {
	config *rest.Config
	server *httptest.Server

	mu     sync.Mutex
	broken bool
	lose   string // the method whose next answer is lost
	losses int
}

func newLine(t *testing.T, cfg *rest.Config) *line {
	t.Helper()
	target, err := url.Parse(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport,
		ModifyResponse: func(r *http.Response) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			if r.Request.Method == l.lose {
				l.lose = ""
				l.losses++
				panic(http.ErrAbortHandler)
			}
			return nil
		},
	}
	l.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		broken := l.broken
		l.mu.Unlock()
		if broken {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(l.server.Close)
	l.config = &rest.Config{Host: l.server.URL, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: certificate(l.server)}}
	return l
}

// cut breaks every connection, for good.
func (l *line) cut() {
	l.mu.Lock()
	l.broken = true
	l.mu.Unlock()
	l.server.CloseClientConnections()
}

// loseNextAnswer breaks the connection once the API server has answered a request.
func (l *line) loseNextAnswer(method string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose = method
}

func (l *line) lost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.losses
}

func certificate(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
