package certs

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// certificateOf makes a leaf of an authority as the keeper finds it.
func certificateOf(t *testing.T, a *Authority, made time.Time, lifetime time.Duration) *leaf {
	t.Helper()
	wanted := Leaf{Hosts: []string{"localhost"}}
	p, err := a.Issue(wanted, made, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	l := &leaf{LeafSecret: LeafSecret{Leaf: wanted}, secret: secretOf(p)}
	l.read()
	return l
}

func TestAnAuthorityIsDueWhileItCanSignCertificatesOfFullLength(t *testing.T) {
	made := time.Now().Truncate(time.Second)
	for _, tt := range []struct {
		name   string
		lasts  time.Duration
		o      RotationOptions
		wanted time.Duration // after it was made
	}{
		{"two thirds are over", 300 * time.Hour, RotationOptions{300 * time.Hour, 30 * time.Hour, time.Hour}, 200 * time.Hour},
		{"a certificate and two overlaps before its end", 90 * time.Hour, RotationOptions{90 * time.Hour, 30 * time.Hour, 5 * time.Hour}, 50 * time.Hour},
		{"authorities last shorter now", 300 * time.Hour, RotationOptions{90 * time.Hour, 9 * time.Hour, time.Hour}, 60 * time.Hour},
		{"certificates last longer now", 300 * time.Hour, RotationOptions{3000 * time.Hour, 1000 * time.Hour, time.Hour}, -702 * time.Hour},
	} {
		a, err := NewAuthority("test", made, tt.lasts)
		if err != nil {
			t.Fatal(err)
		}
		if got := tt.o.dueAt(a.cert).Sub(made); got != tt.wanted {
			t.Errorf("%s: due after %s, want %s", tt.name, got, tt.wanted)
		}
	}
}

func TestACertificateIsReplacedWhenEverybodyTrustsTheNextOne(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	o := RotationOptions{Lifetime: 180 * time.Hour, LeafLifetime: 60 * time.Hour, Overlap: 10 * time.Hour}
	authority := func(name string) *Authority {
		a, err := NewAuthority(name, now.Add(-time.Hour), o.Lifetime)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a, b := authority("a"), authority("b")
	// of is who signed the certificate, and age how old it is.
	for _, tt := range []struct {
		name   string
		r      *Rotation
		of     *Authority
		age    time.Duration
		wanted time.Duration // from now
		why    string        // now
	}{
		{"steady: when two thirds are over", &Rotation{Current: a, Since: now}, a, 0, 40 * time.Hour, ""},
		{"steady: and now they are", &Rotation{Current: a, Since: now}, a, 40 * time.Hour, 0, "two thirds of its life are over"},
		{"preparing: a young one", &Rotation{Current: a, Next: b, Since: now}, a, time.Hour, 39 * time.Hour, ""},
		{"preparing: one that would fall due in between", &Rotation{Current: a, Next: b, Since: now}, a, 25 * time.Hour, 0, "another authority is about to sign"},
		{"retiring: bundles may not have arrived", &Rotation{Current: b, Retired: a.Cert, Since: now}, a, 0, 10*time.Hour + time.Second, ""},
		{"retiring: one that is due waits for them", &Rotation{Current: b, Retired: a.Cert, Since: now}, a, 41 * time.Hour, 9 * time.Hour, ""},
		{"retiring: but not until it is too late", &Rotation{Current: b, Retired: a.Cert, Since: now}, a, 50 * time.Hour, 0, "another authority signs now"},
		{"retiring: bundles have arrived", &Rotation{Current: b, Retired: a.Cert, Since: now.Add(-11 * time.Hour)}, a, time.Hour, -time.Hour + time.Second, "another authority signs now"},
		{"retiring: it is replaced", &Rotation{Current: b, Retired: a.Cert, Since: now.Add(-11 * time.Hour)}, b, 0, 40 * time.Hour, ""},
	} {
		l := certificateOf(t, tt.of, now.Add(-tt.age), o.LeafLifetime)
		if got := l.replaceAt(tt.r, o).Sub(now); got != tt.wanted {
			t.Errorf("%s: after %s, want %s", tt.name, got, tt.wanted)
		}
		if why := l.stale(tt.r, o, now); why != tt.why {
			t.Errorf("%s: %q, want %q", tt.name, why, tt.why)
		}
	}
}

func secretOf(p Pair) *corev1.Secret {
	return &corev1.Secret{Data: map[string][]byte{corev1.TLSCertKey: p.Cert, corev1.TLSPrivateKeyKey: p.Key}}
}
