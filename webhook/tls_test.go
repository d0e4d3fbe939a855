package webhook_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher.dev/usher/internal/certs"
)

func TestTLSIsOfVersion12AtLeast(t *testing.T) {
	s := site{policies: map[string]string{"host_network": hostNetwork}}.start(t)
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: s.authorities, MinVersion: version, MaxVersion: version}}).DialContext(t.Context(), "tcp", s.addr)
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			conn.Close()
		} else if !strings.Contains(err.Error(), "protocol version not supported") {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
	if response, err := http.Get("http://" + s.addr + "/validate"); err == nil { //nolint:noctx // ends at once
		defer response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("plain HTTP gets %d", response.StatusCode)
		}
	}
}

// servingCertificate is a certificate that an authority of the test's own signed.
type servingCertificate struct {
	cert, key []byte
	serial    string
}

// authorityOf returns an authority and what makes serving certificates of it.
func authorityOf(t testing.TB) (*x509.CertPool, func() servingCertificate) {
	t.Helper()
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		return key
	}
	caKey := newKey()
	template := func(serial int64) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "usher"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	}
	ca := template(1)
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	must(t, err)
	parsed, err := x509.ParseCertificate(der)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	serial := int64(1)
	return pool, func() servingCertificate {
		serial++
		key := newKey()
		leaf := template(serial)
		leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		der, err := x509.CreateCertificate(rand.Reader, leaf, parsed, key.Public(), caKey)
		must(t, err)
		keyDER, err := x509.MarshalECPrivateKey(key)
		must(t, err)
		return servingCertificate{
			cert:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			key:    pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}),
			serial: leaf.SerialNumber.String(),
		}
	}
}

func TestServingCertificatesAreReplacedWithoutAFailedRequest(t *testing.T) {
	for name, replace := range map[string]func(t testing.TB, dir string, c servingCertificate){
		"files that are written over": func(t testing.TB, dir string, c servingCertificate) {
			for file, content := range map[string][]byte{"tls.key": c.key, "tls.crt": c.cert} {
				must(t, os.WriteFile(filepath.Join(dir, file), content, 0o600))
			}
		},
		"files that are renamed over": func(t testing.TB, dir string, c servingCertificate) {
			for file, content := range map[string][]byte{"tls.key": c.key, "tls.crt": c.cert} {
				must(t, os.WriteFile(filepath.Join(dir, file+"~"), content, 0o600))
				must(t, os.Rename(filepath.Join(dir, file+"~"), filepath.Join(dir, file)))
			}
		},
		"a mounted Secret": func(t testing.TB, dir string, c servingCertificate) {
			behind := "..2026_" + c.serial
			must(t, os.Mkdir(filepath.Join(dir, behind), 0o755))
			for file, content := range map[string][]byte{"tls.key": c.key, "tls.crt": c.cert} {
				must(t, os.WriteFile(filepath.Join(dir, behind, file), content, 0o600))
				_ = os.Symlink(filepath.Join("..data", file), filepath.Join(dir, file))
			}
			before, _ := os.Readlink(filepath.Join(dir, "..data"))
			must(t, os.Symlink(behind, filepath.Join(dir, "..data_tmp")))
			must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
			if before != "" {
				must(t, os.RemoveAll(filepath.Join(dir, before)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authorities, next := authorityOf(t)
			dir := t.TempDir()
			current := next()
			replace(t, dir, current)
			s := site{policies: map[string]string{"host_network": hostNetwork}, certDir: dir}.start(t)
			s.authorities = authorities

			// Clients that keep their connection, and clients that shake hands
			// for each review, throughout.
			body := podReview(t, containers(container("web")))
			stop := make(chan struct{})
			var clients sync.WaitGroup
			var sent atomic.Int64
			for _, keepAlive := range []bool{true, false} {
				client := s.newClient(t, func(tr *http.Transport) { tr.DisableKeepAlives = !keepAlive })
				clients.Go(func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(2 * time.Millisecond):
						}
						if status, text := s.post(t, client, "/validate", body); status != 200 || !responseIn(t, text).Allowed {
							t.Errorf("a review gets %d %s", status, text)
							return
						}
						sent.Add(1)
					}
				})
			}
			for range 3 {
				before := sent.Load()
				eventually(t, 20*time.Second, "reviews between", func() bool { return sent.Load() > before+5 || t.Failed() })
				current = next()
				replace(t, dir, current)
				eventually(t, 20*time.Second, "certificate "+current.serial, func() bool { return s.servedSerial(t) == current.serial })
			}
			if name != "a mounted Secret" {
				// A half-written certificate, then one without its key.
				other := next()
				for _, content := range [][]byte{other.cert[:len(other.cert)/2], nil, other.cert} {
					must(t, os.WriteFile(filepath.Join(dir, "tls.crt"), content, 0o600))
					time.Sleep(100 * time.Millisecond)
					if got := s.servedSerial(t); got != current.serial {
						t.Errorf("serves %s, want still %s", got, current.serial)
					}
				}
				must(t, os.WriteFile(filepath.Join(dir, "tls.key"), other.key, 0o600))
				eventually(t, 20*time.Second, "the certificate with its key", func() bool { return s.servedSerial(t) == other.serial })
			}
			eventually(t, 20*time.Second, "more reviews", func() bool { return sent.Load() > 50 || t.Failed() })
			close(stop)
			clients.Wait()
		})
	}
}

// servedSerial returns the serial number of the certificate that a new
// connection gets.
func (s *served) servedSerial(t testing.TB) string {
	t.Helper()
	conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: s.authorities}}).DialContext(t.Context(), "tcp", s.addr)
	must(t, err)
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestWithAClientCAOnlyItsClientsMayAsk(t *testing.T) {
	// SelfSigned makes certificates of servers; what a client's needs is in
	// internal/certs. Here it counts that the listener asks for one.
	_, authority, err := certs.SelfSigned([]string{"127.0.0.1"}, time.Hour)
	must(t, err)
	file := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(file, authority, 0o600))
	s := site{policies: map[string]string{"host_network": hostNetwork}, clientCA: file}.start(t)
	for name, client := range map[string]*http.Client{"HTTP/2": s.client, "HTTP/1.1": s.newClient(t, http1)} {
		if _, _, err := s.send(t.Context(), client, "/validate", strings.NewReader("{}")); err == nil {
			t.Errorf("%s without a certificate is answered", name)
		}
	}
	if status, _ := s.probe(t, "/readyz"); status != http.StatusOK {
		t.Errorf("the probes need none, and get %d", status)
	}
}
