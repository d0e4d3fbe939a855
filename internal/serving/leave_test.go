package serving

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/internal/certs"
)

// client is one with a connection that it keeps.
func keepingClient(t *testing.T, authority []byte, protocol string) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		t.Fatal("no authority")
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, NextProtos: []string{protocol}},
		ForceAttemptHTTP2: protocol == "h2",
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// ask sends a request and says whether its connection had been used before.
func ask(t *testing.T, client *http.Client, url string) (kept bool) {
	t.Helper()
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { kept = info.Reused }})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response.Status, err)
	}
	return kept
}

// A client that still has its connection when the listener closes may lose the
// request that it sends at that moment.
func TestConnectionsAreGivenUpWhileTheServerDrains(t *testing.T) {
	cert, authority, err := certs.SelfSigned([]string{"127.0.0.1"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []string{"http/1.1", "h2"} {
		t.Run(protocol, func(t *testing.T) {
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			address := l.Addr().String()
			l.Close()
			s := &Server{
				What: "the handlers", Listen: address, Log: logr.Discard(), Metrics: prometheus.NewRegistry(), Drain: 20 * time.Second,
				TLS: func(c *tls.Config) {
					c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }
				},
				Handlers: map[string]http.Handler{"/": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("done")) })},
			}
			ctx, stop := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx) }()
			t.Cleanup(stop)
			for !s.Started() {
				select {
				case err := <-ended:
					t.Fatal(err)
				case <-time.After(time.Millisecond):
				}
			}
			client := keepingClient(t, authority, protocol)
			ask(t, client, "https://"+address)
			if !ask(t, client, "https://"+address) {
				t.Fatal("the connection was not kept before")
			}
			stop()
			for !s.draining.Load() {
				time.Sleep(time.Millisecond)
			}
			ask(t, client, "https://"+address) // on the connection that was kept
			for range 3 {
				if ask(t, client, "https://"+address) {
					t.Error("the connection was kept while the server drains")
				}
			}
		})
	}
}
