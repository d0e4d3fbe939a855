package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher.dev/usher/internal/certs"
)

// Without its files the webhook runs, says what it lacks, and needs no restart
// when they come.
func TestWithoutItsCertificateTheWebhookWaitsAndSaysSo(t *testing.T) {
	authority, err := certs.NewAuthority("test", time.Now(), time.Hour)
	must(t, err)
	leaf, err := authority.Issue(certs.Leaf{Hosts: []string{"127.0.0.1"}}, time.Now(), time.Hour)
	must(t, err)
	client, err := authority.Issue(certs.Leaf{Usage: certs.ClientAuth, CommonName: "kube-apiserver"}, time.Now(), time.Hour)
	must(t, err)
	dir := t.TempDir()
	addr, probes := freeAddress(t), freeAddress(t)
	p := command(t, "--standalone", "--listen", addr, "--probe-listen", probes, "--cert-dir", dir, "--cert-name", "127.0.0.1", "--client-ca-file", filepath.Join(dir, "ca.crt"))
	p.addr, p.probes, p.authorities = addr, probes, x509.NewCertPool()
	p.authorities.AppendCertsFromPEM(authority.Cert)
	p.run(t)
	ready := func(status int, words ...string) {
		t.Helper()
		eventually(t, 60*time.Second, strings.Join(words, ", "), func() bool {
			got, text := p.probe(t, "/readyz")
			for _, word := range words {
				if !strings.Contains(text, word) {
					return false
				}
			}
			return got == status
		})
	}
	ready(http.StatusServiceUnavailable, "certificate missing: open ", "client CA missing: open ")
	eventually(t, 10*time.Second, "the start to be over", func() bool { status, _ := p.probe(t, "/startupz"); return status == http.StatusOK })
	if got := p.metric(t, `usher_certificate_problem{certificate="serving",reason="missing"}`); got != "1" {
		t.Errorf("the metric says %q", got)
	}

	write(t, filepath.Join(dir, "tls.key"), string(leaf.Key))
	write(t, filepath.Join(dir, "tls.crt"), string(leaf.Cert))
	write(t, filepath.Join(dir, "ca.crt"), string(authority.Cert))
	ready(http.StatusOK, "\ncertificate until ", "\nclient CA until ")
	if got := p.metric(t, `usher_certificate_problem{certificate="serving",reason="missing"}`); got != "0" {
		t.Errorf("the metric says %q", got)
	}
	if got := p.metric(t, `usher_certificate_expiry_timestamp_seconds{certificate="serving"}`); got == "" {
		t.Error("no metric says when the certificate expires")
	}
	body := podReview(t, nil, map[string]any{})
	if _, _, err := p.post(p.newClient(t), "/validate", body); err == nil {
		t.Error("a client without a certificate is answered")
	}
	known := p.newClient(t)
	pair, err := tlsPair(client)
	must(t, err)
	known.Transport.(*http.Transport).TLSClientConfig.Certificates = pair
	if status, text, err := p.post(known, "/validate", body); err != nil || status != http.StatusOK {
		t.Errorf("the API server gets %d %s, %v", status, text, err)
	}
}

func tlsPair(p certs.Pair) ([]tls.Certificate, error) {
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	return []tls.Certificate{pair}, err
}
