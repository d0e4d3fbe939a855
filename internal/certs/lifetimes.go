package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// What the lifetimes are where nothing else is said.
const (
	DefaultAuthorityLifetime = 3 * 365 * 24 * time.Hour
	DefaultLeafLifetime      = 90 * 24 * time.Hour
	DefaultOverlap           = time.Hour
)

// rounding is by how much what is kept in seconds, in certificates and beside them,
// may be early.
const rounding = time.Second

// By what factors lifetimes have to fit together.
const (
	leastAuthority = 3 // lives of a certificate
	leastLeaf      = 6 // overlaps
	leastOverlap   = time.Second
)

// RotationOptions say how long authorities and certificates last, and overlap.
type RotationOptions struct {
	// Lifetime of an authority. The next one is made when two thirds are over, or
	// earlier: while the present one can still sign certificates of full length
	// until the next one takes over.
	Lifetime time.Duration
	// LeafLifetime of each certificate; renewed when two thirds are over.
	LeafLifetime time.Duration
	// Overlap is how long two authorities are trusted at least, before the next
	// one signs and again after the last certificate of the old one is replaced.
	// It has to be longer than a bundle takes to reach whoever verifies, and a
	// certificate to reach whoever serves it.
	Overlap time.Duration
}

// Validate says, by the names of usher-controller's flags, which lifetimes do not
// fit together. Where they do,
//
//   - a certificate that is due still lasts for two overlaps: one in which nobody
//     may be there to renew it, one in which the new one arrives;
//   - an authority signs no certificate that ends before its time, since it is
//     replaced one life of a certificate and two overlaps before its own end;
//   - the rotation before is over by then.
func (o RotationOptions) Validate() error {
	var errs []error
	if o.Overlap < leastOverlap {
		errs = append(errs, fmt.Errorf("--cert-overlap is %s, and must be at least %s, and longer than a bundle or a certificate takes to arrive", o.Overlap, leastOverlap))
	}
	if least := leastLeaf * o.Overlap; o.LeafLifetime < least {
		errs = append(errs, fmt.Errorf("--cert-lifetime is %s, and must be at least %d times --cert-overlap, %s: a certificate is renewed when two thirds of its life are over, and the rest must outlast two overlaps", o.LeafLifetime, leastLeaf, least))
	}
	if least := leastAuthority * o.LeafLifetime; o.Lifetime < least {
		errs = append(errs, fmt.Errorf("--ca-lifetime is %s, and must be at least %d times --cert-lifetime, %s: an authority must outlive what it signs, and the one after it", o.Lifetime, leastAuthority, least))
	}
	return errors.Join(errs...)
}

// settles is when what was written at some time, as it is kept, has arrived.
func (o RotationOptions) settles(written time.Time) time.Time {
	return written.Add(o.Overlap + rounding)
}

// dueAt is when the authority after this one has to be made.
func (o RotationOptions) dueAt(authority *x509.Certificate) time.Time {
	at := twoThirds(authority, o.Lifetime)
	if last := authority.NotAfter.Add(-o.LeafLifetime - 2*o.Overlap); last.Before(at) {
		return last
	}
	return at
}

// due reports whether the authority after this one has to be made: it is time, or
// a clock that was wrong put this one's life elsewhere.
func (o RotationOptions) due(authority *x509.Certificate, now time.Time) bool {
	return !usable(authority, now) || !now.Before(o.dueAt(authority))
}

// renewAt is when a certificate has to be replaced.
func (o RotationOptions) renewAt(leaf *x509.Certificate) time.Time {
	return twoThirds(leaf, o.LeafLifetime)
}

// twoThirds is when two thirds of a certificate's life are over, or of what lives
// are now if that is shorter.
func twoThirds(cert *x509.Certificate, life time.Duration) time.Time {
	made := madeAt(cert)
	return made.Add(2 * min(cert.NotAfter.Sub(made), life) / 3)
}
