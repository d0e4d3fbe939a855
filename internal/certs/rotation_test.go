package certs

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var testOptions = RotationOptions{Lifetime: 30 * 24 * time.Hour, LeafLifetime: 24 * time.Hour, Overlap: time.Hour}

// world is a cluster in which bundles and certificates are written late.
type world struct {
	rotation *Rotation
	bundle   []byte     // that whoever verifies has
	signer   *Authority // of the certificate that is served
}

func (w *world) seen() Seen {
	return Seen{
		Trusted: func(c *x509.Certificate) bool {
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(w.bundle)
			_, err := c.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: c.NotBefore.Add(time.Minute), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
			return err == nil
		},
		Replaced: w.rotation.Current != nil && w.signer != nil && string(w.signer.Cert) == string(w.rotation.Current.Cert),
	}
}

// However late bundles and certificates arrive, what is served is trusted.
func TestWhatIsServedIsAlwaysTrusted(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now := time.Now()
		w := &world{rotation: &Rotation{}}
		phases := map[string]bool{}
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			switch rapid.SampledFrom([]string{"advance", "advance", "bundle", "leaf", "wait", "restart"}).Draw(r, "step") {
			case "advance":
				next, err := w.rotation.Advance(now, testOptions, w.seen())
				if err != nil {
					r.Fatal(err)
				}
				w.rotation = next
				phases[next.Phase()] = true
			case "bundle":
				if w.rotation.Current != nil {
					w.bundle = w.rotation.Bundle()
				}
			case "leaf": // only of what is trusted, as the keeper does
				if w.rotation.Current != nil && w.seen().Trusted(w.rotation.Current.cert) {
					w.signer = w.rotation.Current
				}
			case "wait":
				now = now.Add(time.Duration(rapid.IntRange(1, 30*24).Draw(r, "hours")) * time.Hour)
			case "restart":
				if w.rotation.Current != nil {
					read, err := ReadRotation(w.rotation.Data())
					if err != nil {
						r.Fatal(err)
					}
					if diff := cmp.Diff(w.rotation.Data(), read.Data()); diff != "" {
						r.Fatalf("read again (-want +got):\n%s", diff)
					}
					w.rotation = read
				}
			}
			if w.signer != nil && !w.seen().Trusted(w.signer.cert) {
				r.Fatalf("in phase %s what is served is not trusted", w.rotation.Phase())
			}
		}
	})
}

func TestAnAuthorityIsReplacedWithOverlap(t *testing.T) {
	start := time.Now().Truncate(time.Second)
	w := &world{rotation: &Rotation{}}
	advance := func(at time.Duration) string {
		t.Helper()
		next, err := w.rotation.Advance(start.Add(at), testOptions, w.seen())
		if err != nil {
			t.Fatal(err)
		}
		w.rotation = next
		return next.Phase()
	}
	const day = 24 * time.Hour
	for _, step := range []struct {
		name  string
		at    time.Duration
		then  func()
		phase string
	}{
		{"made when there is none", 0, func() { w.bundle, w.signer = w.rotation.Bundle(), w.rotation.Current }, "steady"},
		{"young", 19 * day, nil, "steady"},
		{"two thirds over", 20*day + time.Hour, nil, "preparing"},
		{"the next one is not trusted yet", 21 * day, func() { w.bundle = w.rotation.Bundle() }, "preparing"},
		{"it is, and has been for long enough", 21*day + time.Hour, nil, "retiring"},
		{"a certificate of the old one is still served", 22 * day, func() { w.signer = w.rotation.Current }, "retiring"},
		{"none is", 22*day + time.Minute, nil, "steady"},
	} {
		if phase := advance(step.at); phase != step.phase {
			t.Fatalf("%s: %s, want %s", step.name, phase, step.phase)
		}
		if step.then != nil {
			step.then()
		}
	}
}

func TestAClockThatWasWrongIsRecoveredFrom(t *testing.T) {
	now := time.Now()
	for _, off := range []time.Duration{-24 * time.Hour, 24 * time.Hour, 40 * 24 * time.Hour} {
		w := &world{rotation: &Rotation{}}
		run := func(at time.Time) {
			for range 4 {
				next, err := w.rotation.Advance(at, testOptions, w.seen())
				if err != nil {
					t.Fatal(err)
				}
				w.rotation, w.bundle = next, next.Bundle()
				w.signer = next.Current
			}
		}
		run(now.Add(off))
		run(now)
		if !usable(w.rotation.Current.cert, now) {
			t.Errorf("made by a clock that was off by %s: no usable authority once it is right", off)
		}
	}
}

func TestWhatIsNoRotationIsRefused(t *testing.T) {
	first, err := NewAuthority("first", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewAuthority("second", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := first.Issue(Leaf{Hosts: []string{"localhost"}}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	good := (&Rotation{Current: first, Next: second, Since: time.Now()}).Data()
	if _, err := ReadRotation(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(map[string][]byte){
		"nothing":                 func(d map[string][]byte) { clear(d) },
		"no key":                  func(d map[string][]byte) { delete(d, fieldKey) },
		"a key cut short":         func(d map[string][]byte) { d[fieldKey] = d[fieldKey][:40] },
		"another authority's key": func(d map[string][]byte) { d[fieldKey] = second.Key },
		"a server's certificate":  func(d map[string][]byte) { d[fieldCert], d[fieldKey] = leaf.Cert, leaf.Key },
		"a next one without key":  func(d map[string][]byte) { delete(d, fieldNextKey) },
		"retired that are none":   func(d map[string][]byte) { d[fieldRetired] = []byte("x") },
		"no time":                 func(d map[string][]byte) { delete(d, fieldSince) },
	} {
		data := (&Rotation{Current: first, Next: second, Since: time.Now()}).Data()
		change(data)
		if _, err := ReadRotation(data); err == nil {
			t.Errorf("%s: read without an error", name)
		}
	}
}
