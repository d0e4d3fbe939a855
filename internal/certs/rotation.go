package certs

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/cert-manager/cert-manager/pkg/util/pki"
)

// Rotation is usher's own authority and, while it changes, the one after or
// before it. Whoever verifies trusts all of them:
//
//	steady     current
//	preparing  current, next: nothing of next is served yet
//	retiring   current, retired: what the retired one signed is being replaced
//
// A phase ends when what it waits for is seen and has been so for a while, since
// a bundle reaches whoever verifies, and a certificate whoever serves it, later
// than they are written.
type Rotation struct {
	Current *Authority
	Next    *Authority
	// Retired are certificates in PEM.
	Retired []byte
	// Since is when the present phase began, to the second.
	Since time.Time
}

// Seen is what has been found in the cluster.
type Seen struct {
	// Trusted says whether every bundle holds the certificate.
	Trusted func(*x509.Certificate) bool
	// Replaced says that every certificate in use is one of the current authority,
	// and has been so for Overlap.
	Replaced bool
}

// Advance returns the rotation as it has to be now; itself where nothing changes.
func (r *Rotation) Advance(now time.Time, o RotationOptions, seen Seen) (*Rotation, error) {
	now = now.Truncate(time.Second)
	settled := !now.Before(o.settles(r.Since))
	switch {
	case r.Current == nil:
		current, err := r.successor(now, o)
		if err != nil {
			return nil, err
		}
		return &Rotation{Current: current, Retired: r.Retired, Since: now}, nil
	case r.Next != nil && !usable(r.Next.cert, now):
		// It grew old while nobody was there to put it to use.
		next, err := r.successor(now, o)
		if err != nil {
			return nil, err
		}
		return &Rotation{Current: r.Current, Next: next, Retired: r.Retired, Since: now}, nil
	case r.Next != nil && (settled && seen.Trusted(r.Next.cert) || !usable(r.Current.cert, now)):
		// Nobody trusts what the current one signed once that has ended, so that
		// there is nothing to wait for.
		retired := append(bytes.Clone(r.Retired), r.Current.Cert...)
		return &Rotation{Current: r.Next, Retired: retired, Since: now}, nil
	case r.Next == nil && len(r.Retired) > 0 && seen.Replaced:
		return &Rotation{Current: r.Current, Since: now}, nil
	case r.Next == nil && o.due(r.Current.cert, now):
		next, err := r.successor(now, o)
		if err != nil {
			return nil, err
		}
		return &Rotation{Current: r.Current, Next: next, Retired: r.Retired, Since: now}, nil
	}
	return r, nil
}

// adopt lets authorities of others retire, by which certificates are verified that
// are still served.
func (r *Rotation) adopt(others []byte, now time.Time) *Rotation {
	adopted := *r
	adopted.Retired, adopted.Since = slices.Concat(r.Retired, others), now.Truncate(time.Second)
	return &adopted
}

func (r *Rotation) successor(now time.Time, o RotationOptions) (*Authority, error) {
	return NewAuthority("usher authority of "+now.UTC().Format(time.RFC3339), now, o.Lifetime)
}

// Wake is after how long the rotation may have to advance, if nothing else happens.
func (r *Rotation) Wake(now time.Time, o RotationOptions) time.Duration {
	wake := o.dueAt(r.Current.cert).Sub(now)
	if r.Phase() == "steady" {
		return wake
	}
	if settles := o.settles(r.Since).Sub(now); settles > 0 {
		return min(wake, settles)
	}
	return min(wake, o.Overlap)
}

// servesFrom is from when certificates of the current authority may take the place
// of good ones: bundles have had time to arrive where they are read, also after an
// authority that was lost and made anew.
func (r *Rotation) servesFrom(o RotationOptions) time.Time {
	if len(r.Retired) == 0 {
		return r.Since
	}
	return o.settles(r.Since)
}

// Bundle is what has to be trusted, in PEM. The same authorities always give the
// same bytes.
func (r *Rotation) Bundle() []byte {
	bundle := bytes.Clone(r.Current.Cert)
	if r.Next != nil {
		bundle = append(bundle, r.Next.Cert...)
	}
	return append(bundle, r.Retired...)
}

// Phase names where the rotation stands.
func (r *Rotation) Phase() string {
	switch {
	case r.Next != nil:
		return "preparing"
	case len(r.Retired) > 0:
		return "retiring"
	}
	return "steady"
}

// Names of the fields of the authority's Secret.
const (
	fieldCert    = "ca.crt"
	fieldKey     = "ca.key"
	fieldNext    = "next.crt"
	fieldNextKey = "next.key"
	fieldRetired = "retired.crt"
	fieldSince   = "since"
)

// Data writes the rotation as the data of a Secret.
func (r *Rotation) Data() map[string][]byte {
	data := map[string][]byte{
		fieldCert:  r.Current.Cert,
		fieldKey:   r.Current.Key,
		fieldSince: []byte(r.Since.UTC().Format(time.RFC3339)),
	}
	if r.Next != nil {
		data[fieldNext], data[fieldNextKey] = r.Next.Cert, r.Next.Key
	}
	if len(r.Retired) > 0 {
		data[fieldRetired] = r.Retired
	}
	return data
}

// ReadRotation reads a rotation from the data of a Secret.
func ReadRotation(data map[string][]byte) (*Rotation, error) {
	var r Rotation
	var err error
	if r.Current, err = ReadAuthority(Pair{data[fieldCert], data[fieldKey]}); err != nil {
		return nil, err
	}
	if len(data[fieldNext]) > 0 {
		if r.Next, err = ReadAuthority(Pair{data[fieldNext], data[fieldNextKey]}); err != nil {
			return nil, fmt.Errorf("the next authority: %w", err)
		}
	}
	if r.Retired = data[fieldRetired]; len(r.Retired) > 0 {
		if _, err := pki.DecodeX509CertificateSetBytes(r.Retired); err != nil {
			return nil, fmt.Errorf("read the retired authorities: %w", err)
		}
	}
	if r.Since, err = time.Parse(time.RFC3339, string(data[fieldSince])); err != nil {
		return nil, fmt.Errorf("read since when: %w", err)
	}
	return &r, nil
}

// usable reports whether a certificate is within its life.
func usable(cert *x509.Certificate, now time.Time) bool {
	return !now.Before(cert.NotBefore) && now.Before(cert.NotAfter)
}
