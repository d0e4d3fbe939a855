package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// server is a running webhook and a client that trusts it.
type server struct {
	*process
	url    string
	client *http.Client
}

// startWebhook runs the webhook and returns once it accepts connections.
func startWebhook(ctx context.Context, o options) (*server, error) {
	listen, err := freePort(ctx, o.listen, "LISTEN")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(o.authority); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	s := &server{url: "https://" + listen}
	s.process, err = startProcess(ctx, o.log, o.webhook, "--standalone", "--objects", o.objects,
		"--listen", listen, "--probe-listen", o.probes, "--write-ca", o.authority, "--drain", "0s")
	if err != nil {
		return nil, err
	}
	return s, s.awaitReady(ctx, func(ctx context.Context) error { return s.connect(ctx, o.authority) })
}

// connect makes the client, which trusts the authority in a PEM file and no
// other, once there is that file and a server.
func (s *server) connect(ctx context.Context, authority string) error {
	certificate, err := os.ReadFile(authority)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		return fmt.Errorf("no certificate in %s", authority)
	}
	s.client = &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return err
	}
	reply, err := s.client.Do(request)
	if err != nil {
		return err
	}
	return reply.Body.Close()
}
