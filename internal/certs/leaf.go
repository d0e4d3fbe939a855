package certs

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

type leaf struct {
	LeafSecret
	secret *corev1.Secret
	// cert is nil where there is none that can be read.
	cert *x509.Certificate
}

func (l *leaf) read() {
	pair, err := tls.X509KeyPair(l.secret.Data[corev1.TLSCertKey], l.secret.Data[corev1.TLSPrivateKeyKey])
	if err == nil {
		l.cert = pair.Leaf
	}
}

// replaceAt is when a good certificate has to be replaced. Before the next authority
// takes over, one is renewed that would fall due while those of the next may not be
// served yet. If one falls due then all the same, it waits for as long as it lasts
// for another overlap.
func (l *leaf) replaceAt(r *Rotation, o RotationOptions) time.Time {
	at, from, current := o.renewAt(l.cert), r.servesFrom(o), l.of(r.Current)
	switch {
	case current && r.Next != nil && at.Before(o.settles(o.settles(r.Since))):
		return r.Since
	case !current && from.Before(at):
		at = from
	}
	if last := l.cert.NotAfter.Add(-o.Overlap); last.Before(from) {
		from = last
	}
	if at.Before(from) {
		return from
	}
	return at
}

// of reports whether an authority signed the certificate.
func (l *leaf) of(a *Authority) bool { return l.cert.CheckSignatureFrom(a.cert) == nil }

// good reports whether a certificate does its work now.
func (l *leaf) good(bundle []byte, now time.Time) bool {
	return l.cert != nil && usable(l.cert, now) && l.trusted(bundle, now) && l.names()
}

// stale says why a certificate has to be made anew, "" if it has not.
func (l *leaf) stale(r *Rotation, o RotationOptions, now time.Time) string {
	switch {
	case l.cert == nil:
		return "there is none"
	case !usable(l.cert, now):
		return "it is not valid now"
	case !l.trusted(r.Bundle(), now):
		return "no authority that is trusted signed it"
	case !l.names():
		return "it is for other names"
	case now.Before(l.replaceAt(r, o)):
		return ""
	case !l.of(r.Current):
		return "another authority signs now"
	case now.Before(o.renewAt(l.cert)):
		return "another authority is about to sign"
	}
	return "two thirds of its life are over"
}

// trusted reports whether a bundle leads to the certificate, by way of those beside
// it in its file.
func (l *leaf) trusted(bundle []byte, now time.Time) bool {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range parse(bundle) {
		roots.AddCert(c)
	}
	for _, c := range parse(l.secret.Data[corev1.TLSCertKey]) {
		between.AddCert(c)
	}
	_, err := l.cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}

// names reports whether the certificate is for the names that are wanted.
func (l *leaf) names() bool {
	has := slices.Clone(l.cert.DNSNames)
	for _, ip := range l.cert.IPAddresses {
		has = append(has, ip.String())
	}
	want := slices.Clone(l.Hosts)
	for i, host := range want {
		if ip := net.ParseIP(host); ip != nil {
			want[i] = ip.String()
		}
	}
	slices.Sort(has)
	slices.Sort(want)
	return slices.Equal(has, want) && l.cert.Subject.CommonName == l.CommonName
}
