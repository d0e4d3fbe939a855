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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
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
	cert, roots := selfSigned(t, "127.0.0.1")
	served := NewServed(ServedOptions{Made: &cert, ClientCAFile: file}, logr.Discard())
	server := &tls.Config{MinVersion: tls.VersionTLS12}
	served.TLS(server)

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
		detail       string
	}{
		{"in the beginning", first.pem, true, false, ""},
		{"both, while they overlap", slices.Concat(first.pem, second.pem), true, true, ""},
		{"the second alone", second.pem, false, true, ""},
		{"a file cut short", second.pem[:len(second.pem)/2], false, true, "; not read again: client CA unreadable: " + file + ": no certificates in PEM, or one that is none"},
		{"an empty file", nil, false, true, "; not read again: client CA unreadable: " + file + ": no certificates in PEM, or one that is none"},
		{"the first again", first.pem, true, false, ""},
	} {
		write(step.content)
		served.look()
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
		if detail, err := served.Check(); err != nil || !strings.HasSuffix(detail, step.detail) || strings.Contains(detail, "not read again") != (step.detail != "") {
			t.Errorf("%s: %q, %v", step.name, detail, err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	served.look()
	if err := handshake(t, server, clients["of the first authority"]); err != nil {
		t.Error("without the file:", err)
	}
	if detail, err := served.Check(); err != nil || !strings.Contains(detail, "; not read again: client CA missing: open "+file) {
		t.Errorf("without the file: %q, %v", detail, err)
	}
}

func TestWithoutAuthoritiesNoClientIsLetInUntilTheyAreThere(t *testing.T) {
	authority := newAuthority(t)
	for content, want := range map[string]string{
		"no file":                       "client CA missing: open ",
		"":                              "no certificates in PEM",
		"-----BEGIN CERTIFICATE-----\n": "no certificates in PEM",
	} {
		file := filepath.Join(t.TempDir(), "ca.pem")
		if content != "no file" {
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		cert, roots := selfSigned(t, "127.0.0.1")
		served := NewServed(ServedOptions{Made: &cert, ClientCAFile: file}, logr.Discard())
		server := &tls.Config{MinVersion: tls.VersionTLS12}
		served.TLS(server)
		client := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", Certificates: []tls.Certificate{authority.client(t, x509.ExtKeyUsageClientAuth)}}
		if err := handshake(t, server, client); err == nil {
			t.Errorf("%q: a client is let in", content)
		}
		if _, err := served.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", content, err, want)
		}
		if err := os.WriteFile(file, authority.pem, 0o644); err != nil {
			t.Fatal(err)
		}
		served.look()
		if err := handshake(t, server, client); err != nil {
			t.Errorf("%q, and then authorities: %v", content, err)
		}
		if _, err := served.Check(); err != nil {
			t.Errorf("%q, and then authorities: %v", content, err)
		}
	}
}
