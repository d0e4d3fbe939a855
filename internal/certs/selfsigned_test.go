package certs

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"testing"
	"time"
)

func selfSigned(t testing.TB, hosts ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	cert, authority, err := SelfSigned(hosts, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		t.Fatalf("no certificate in %s", authority)
	}
	return cert, pool
}

func TestSelfSignedServesItsHostsAndNoOthers(t *testing.T) {
	cert, pool := selfSigned(t, "localhost", "usher.example", "127.0.0.1", "::1")
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"localhost": true, "usher.example": true, "127.0.0.1": true, "::1": true, "[::1]": true,
		"example": false, "127.0.0.2": false, "other.usher.example": false,
	} {
		_, err := leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		if (err == nil) != want {
			t.Errorf("%s: %v", host, err)
		}
	}
	if leaf.IsCA {
		t.Error("the serving certificate may sign others")
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err == nil {
		t.Error("the serving certificate may be a client's")
	}
	if left := time.Until(leaf.NotAfter); left < 50*time.Minute || left > 70*time.Minute {
		t.Errorf("valid for another %s, want an hour", left)
	}
}

func TestSelfSignedAuthoritiesDiffer(t *testing.T) {
	cert, _ := selfSigned(t, "localhost")
	_, other := selfSigned(t, "localhost")
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: other}); err == nil {
		t.Error("another run's authority vouches for the certificate")
	}
}

// handshake lets a client and a server shake hands and exchange a byte, so that
// what either refuses shows.
func handshake(t testing.TB, server, client *tls.Config) error {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if err := conn.(*tls.Conn).HandshakeContext(t.Context()); err == nil {
			_, _ = conn.Write([]byte("x"))
		}
	}()
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: client}
	conn, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}
