package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// authority is a client certificate authority of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key, a.pem = sign(t, nil, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// client returns a certificate of the authority for a client.
func (a *authority) client(t testing.TB, usage x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	cert, key, _ := sign(t, a, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{usage}})
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func sign(t testing.TB, by *authority, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	template.Subject = pkix.Name{CommonName: serial.String()}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestRequireAcceptsOnlyClientsOfTheAuthoritiesOfNow(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	write := func(content []byte) {
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(first.pem)
	var failures atomic.Int32
	ca, err := LoadClientCA(file, func(error) { failures.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	cert, roots := selfSigned(t, "127.0.0.1")
	server := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	ca.Require(server)

	// With sessions to resume, as a long-lived client has them.
	clients := map[string]*tls.Config{
		"of nobody":                 {},
		"of the first authority":    {Certificates: []tls.Certificate{first.client(t, x509.ExtKeyUsageClientAuth)}},
		"of the second authority":   {Certificates: []tls.Certificate{second.client(t, x509.ExtKeyUsageClientAuth)}},
		"a server's, of the first":  {Certificates: []tls.Certificate{first.client(t, x509.ExtKeyUsageServerAuth)}},
		"of the first, by TLS 1.2":  {Certificates: []tls.Certificate{first.client(t, x509.ExtKeyUsageClientAuth)}, MaxVersion: tls.VersionTLS12},
		"of the second, by TLS 1.2": {Certificates: []tls.Certificate{second.client(t, x509.ExtKeyUsageClientAuth)}, MaxVersion: tls.VersionTLS12},
	}
	for _, c := range clients {
		c.RootCAs, c.ServerName, c.ClientSessionCache = roots, "127.0.0.1", tls.NewLRUClientSessionCache(8)
	}
	for _, step := range []struct {
		name         string
		content      []byte
		first, other bool
		failures     int32
	}{
		{"in the beginning", first.pem, true, false, 0},
		{"both, while they overlap", append(append([]byte(nil), first.pem...), second.pem...), true, true, 0},
		{"the second alone", second.pem, false, true, 0},
		{"a file cut short", second.pem[:len(second.pem)/2], false, true, 1},
		{"an empty file", nil, false, true, 2},
		{"the first again", first.pem, true, false, 2},
	} {
		write(step.content)
		ca.checked = time.Time{} // as if time had passed
		want := map[string]bool{
			"of nobody": false, "a server's, of the first": false,
			"of the first authority": step.first, "of the first, by TLS 1.2": step.first,
			"of the second authority": step.other, "of the second, by TLS 1.2": step.other,
		}
		for name, client := range clients {
			for range 2 {
				if err := handshake(t, server, client); (err == nil) != want[name] {
					t.Errorf("%s: a client with a certificate %s: %v", step.name, name, err)
				}
			}
		}
		if n := failures.Load(); n != step.failures {
			t.Errorf("%s: %d failures told, want %d", step.name, n, step.failures)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	ca.checked = time.Time{}
	if err := handshake(t, server, clients["of the first authority"]); err != nil || failures.Load() != 3 {
		t.Errorf("without the file: %v, %d failures", err, failures.Load())
	}
}

func TestLoadClientCARefusesAFileWithoutAuthorities(t *testing.T) {
	for content, want := range map[string]string{"": "holds no certificate in PEM", "-----BEGIN CERTIFICATE-----\n": "holds no certificate in PEM"} {
		file := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadClientCA(file, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := LoadClientCA(filepath.Join(t.TempDir(), "nothing"), nil); err == nil || !strings.Contains(err.Error(), "read client CA: open") {
		t.Error("error", err)
	}
}
