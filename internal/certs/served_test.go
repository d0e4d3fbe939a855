package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
)

// What a server finds at its start is told of, and what is there afterwards is
// put to use by itself.
func TestAServerStartsWithAnyFilesAndSaysWhatIsWrongWithThem(t *testing.T) {
	day := 24 * time.Hour
	for _, tt := range []struct {
		name   string
		files  func(t *testing.T, s *showcase)
		reason string
		err    []string
	}{
		{"nothing", func(*testing.T, *showcase) {}, "missing", []string{"certificate missing: open ", "tls.crt: no such file or directory; it is read as soon as it is there"}},
		{"no key", func(t *testing.T, s *showcase) {
			s.put(t, s.good(t))
			_ = os.Remove(filepath.Join(s.dir, "tls.key"))
		}, "missing", []string{"certificate missing: open ", "tls.key: no such file"}},
		{"no PEM", func(t *testing.T, s *showcase) { s.put(t, Pair{[]byte("x"), []byte("y")}) }, "unreadable", []string{"certificate unreadable: tls.crt with tls.key in "}},
		{"a folder in its place", func(t *testing.T, s *showcase) {
			if err := os.Mkdir(filepath.Join(s.dir, "tls.crt"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "unreadable", []string{"certificate unreadable: read ", "is a directory"}},
		{"another's key", func(t *testing.T, s *showcase) { s.put(t, Pair{s.good(t).Cert, s.good(t).Key}) }, "unreadable", []string{"private key does not match public key"}},
		{"made a day ago for an hour", func(t *testing.T, s *showcase) {
			s.put(t, s.issue(t, Leaf{Hosts: []string{wantedName}}, s.now.Add(-day), time.Hour))
		}, "expired", []string{"certificate expired at 2026-11-24T13:00:00Z: it was not renewed, or this machine's clock is ahead; it says 2026-11-25T12:00:00Z"}},
		{"made by a clock a day ahead", func(t *testing.T, s *showcase) {
			s.put(t, s.issue(t, Leaf{Hosts: []string{wantedName}}, s.now.Add(day), time.Hour))
		}, "not_yet_valid", []string{"certificate not valid before 2026-11-26T11:55:00Z: this machine's clock is behind, or that of whoever made it ahead; it says 2026-11-25T12:00:00Z"}},
		{"for other names", func(t *testing.T, s *showcase) {
			s.put(t, s.issue(t, Leaf{Hosts: []string{"usher-webhook.default.svc", "127.0.0.1"}}, s.now, time.Hour))
		}, "wrong_name", []string{"certificate is for usher-webhook.default.svc, 127.0.0.1, and has to be for usher-webhook.usher-system.svc (--cert-name)"}},
		{"a client's, for the name", func(t *testing.T, s *showcase) {
			s.put(t, s.issue(t, Leaf{Usage: ClientAuth, Hosts: []string{wantedName}}, s.now, time.Hour))
		}, "wrong_usage", []string{"certificate may not be a server's"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShowcase(t)
			tt.files(t, s)
			s.serve()
			detail, err := s.Check()
			if err == nil || detail != "" {
				t.Fatalf("ready: %q", detail)
			}
			for _, want := range tt.err {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("does not say %q: %v", want, err)
				}
			}
			if diff := cmp.Diff([]string{tt.reason}, s.problems(t)); diff != "" {
				t.Error(diff)
			}
			for range 3 {
				s.look()
			}
			if n := strings.Count(strings.Join(s.log, "\n"), `"not ready: there is no good certificate"`); n != 1 {
				t.Errorf("said %d times:\n%s", n, strings.Join(s.log, "\n"))
			}
			_ = os.Remove(filepath.Join(s.dir, "tls.crt"))
			good := s.good(t)
			s.put(t, good)
			s.look()
			if detail, err := s.Check(); err != nil || detail != "certificate until 2026-11-25T13:00:00Z" || s.shown(t) != raw(t, good) {
				t.Errorf("with a good one: %q, %v", detail, err)
			}
			if problems := s.problems(t); problems != nil || !strings.Contains(s.log[len(s.log)-1], "certificate is good again") {
				t.Errorf("with a good one: %q\n%s", problems, strings.Join(s.log, "\n"))
			}
		})
	}
}

// What cannot be used does not take the place of a good certificate, until that
// has expired.
func TestTheLastGoodCertificateStaysUntilItExpires(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, s *showcase){
		"missing":    func(_ *testing.T, s *showcase) { _ = os.Remove(filepath.Join(s.dir, "tls.crt")) },
		"unreadable": func(t *testing.T, s *showcase) { s.put(t, Pair{s.good(t).Cert[:40], s.good(t).Key}) },
		"wrong_name": func(t *testing.T, s *showcase) { s.put(t, s.issue(t, Leaf{Hosts: []string{"a"}}, s.now, 9*time.Hour)) },
		"not_yet_valid": func(t *testing.T, s *showcase) {
			s.put(t, s.issue(t, Leaf{Hosts: []string{wantedName}}, s.now.Add(24*time.Hour), time.Hour))
		},
		"expired": func(t *testing.T, s *showcase) {
			s.put(t, s.issue(t, Leaf{Hosts: []string{wantedName}}, s.now.Add(-24*time.Hour), time.Hour))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShowcase(t)
			good := s.good(t)
			s.put(t, good)
			s.serve()
			spoil(t, s)
			s.look()
			if detail, err := s.Check(); err != nil || !strings.Contains(detail, "certificate until 2026-11-25T13:00:00Z; not read again: certificate ") || s.shown(t) != raw(t, good) {
				t.Errorf("%q, %v", detail, err)
			}
			if diff := cmp.Diff([]string{name}, s.problems(t)); diff != "" {
				t.Error(diff)
			}
			if last := s.log[len(s.log)-1]; !strings.Contains(last, "certificate not read again: the last good one stays in use") {
				t.Errorf("log: %s", last)
			}

			s.now = s.now.Add(time.Hour)
			if _, err := s.Check(); err == nil || !strings.Contains(err.Error(), "certificate expired at 2026-11-25T13:00:00Z") {
				t.Errorf("when it has expired: %v", err)
			}
			s.look()
			if last := s.log[len(s.log)-1]; !strings.Contains(last, "not ready: there is no good certificate") {
				t.Errorf("log when it has expired: %s", last)
			}
			renewed := s.good(t)
			s.put(t, renewed)
			s.look()
			if _, err := s.Check(); err != nil || s.shown(t) != raw(t, renewed) || s.problems(t) != nil {
				t.Errorf("renewed: %v, %q", err, s.problems(t))
			}
		})
	}
}

// A clock that is set right makes a server ready again, with the same files.
func TestAClockThatIsSetRightMakesTheServerReady(t *testing.T) {
	for _, off := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		s := newShowcase(t)
		s.put(t, s.good(t))
		right := s.now
		s.now = right.Add(off)
		s.serve()
		if _, err := s.Check(); err == nil {
			t.Errorf("off by %s: ready", off)
		}
		s.now = right
		s.look()
		if detail, err := s.Check(); err != nil {
			t.Errorf("off by %s, and then right: %q, %v", off, detail, err)
		}
	}
}

func TestMetricsSayWhatIsServed(t *testing.T) {
	s := newShowcase(t)
	s.put(t, s.good(t))
	s.serve()
	s.put(t, s.issue(t, Leaf{Hosts: []string{wantedName}}, s.now, 2*time.Hour))
	s.look()
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += fmt.Sprintf(" %s=%s", l.GetName(), l.GetValue())
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	want := map[string]float64{
		"usher_certificate_expiry_timestamp_seconds certificate=serving": float64(s.now.Add(2 * time.Hour).Unix()),
		"usher_certificate_loads_total certificate=serving":              2,
	}
	for _, why := range reasons {
		want["usher_certificate_problem certificate=serving reason="+string(why)] = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// While one authority takes the place of another, the old one may expire.
func TestClientAuthoritiesAreGoodWhileOneIs(t *testing.T) {
	s := newShowcase(t)
	old, err := NewAuthority("old", s.now.Add(-100*time.Hour), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := selfSigned(t, "127.0.0.1")
	file := filepath.Join(s.dir, "ca.crt")
	check := func(content []byte) (string, error) {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s.Served = NewServed(ServedOptions{Made: &cert, ClientCAFile: file, Now: func() time.Time { return s.now }}, funcr.New(func(_, _ string) {}, funcr.Options{}))
		// The certificate is of the test's real clock.
		s.cert.read = func() (*pair, *problem) {
			return &pair{tls: &tls.Certificate{Leaf: &x509.Certificate{NotAfter: s.now.Add(time.Hour)}}}, nil
		}
		s.look()
		return s.Check()
	}
	if detail, err := check(append(old.Cert, s.authority.Cert...)); err != nil || !strings.HasSuffix(detail, "client CA until "+rfc3339(s.authority.cert.NotAfter)) {
		t.Errorf("%q, %v", detail, err)
	}
	if _, err := check(old.Cert); err == nil || !strings.Contains(err.Error(), "client CA expired at ") {
		t.Errorf("the old one alone: %v", err)
	}
}
