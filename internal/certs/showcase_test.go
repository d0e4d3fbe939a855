package certs

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
)

// showcase is a server's certificate in a folder, with a clock and an authority.
type showcase struct {
	*Served
	dir       string
	now       time.Time
	authority *Authority
	log       []string
	registry  *prometheus.Registry
}

const wantedName = "usher-webhook.usher-system.svc"

func newShowcase(t *testing.T) *showcase {
	t.Helper()
	s := &showcase{dir: t.TempDir(), now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), registry: prometheus.NewRegistry()}
	var err error
	if s.authority, err = NewAuthority("test", s.now, 1000*time.Hour); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *showcase) serve() {
	log := funcr.New(func(_, args string) { s.log = append(s.log, args) }, funcr.Options{})
	s.Served = NewServed(ServedOptions{Dir: s.dir, Name: wantedName, Now: func() time.Time { return s.now }}, log)
	s.registry.MustRegister(s.Collectors()...)
}

func (s *showcase) put(t *testing.T, p Pair) {
	t.Helper()
	for name, content := range map[string][]byte{"tls.crt": p.Cert, "tls.key": p.Key} {
		if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *showcase) issue(t *testing.T, leaf Leaf, made time.Time, lifetime time.Duration) Pair {
	t.Helper()
	p, err := s.authority.Issue(leaf, made, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *showcase) good(t *testing.T) Pair {
	t.Helper()
	return s.issue(t, Leaf{Hosts: []string{wantedName}}, s.now, time.Hour)
}

// problems are the reasons that the metrics give.
func (s *showcase) problems(t *testing.T) []string {
	t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range families {
		if f.GetName() != "usher_certificate_problem" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetGauge().GetValue() == 1 {
				found = append(found, m.GetLabel()[1].GetValue())
			}
		}
	}
	return found
}

// shown is the certificate that a client would get.
func (s *showcase) shown(t *testing.T) string {
	t.Helper()
	var c tls.Config
	s.TLS(&c)
	cert, err := c.GetCertificate(nil)
	if err != nil {
		return err.Error()
	}
	return string(cert.Leaf.Raw)
}

func raw(t *testing.T, p Pair) string {
	t.Helper()
	c, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return string(c.Leaf.Raw)
}
