package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// pair is a server's certificate with its key.
type pair struct {
	bytes []byte
	tls   *tls.Certificate
	// name is what it has to be for; empty: anything.
	name string
}

// readPair reads what a Secret of type kubernetes.io/tls is mounted as.
func readPair(dir, name string) (*pair, *problem) {
	const what = "certificate"
	cert, err := os.ReadFile(filepath.Join(dir, corev1.TLSCertKey))
	if err != nil {
		return nil, unread(what, err)
	}
	key, err := os.ReadFile(filepath.Join(dir, corev1.TLSPrivateKeyKey))
	if err != nil {
		return nil, unread(what, err)
	}
	read, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, unread(what, fmt.Errorf("%s with %s in %s: %w", corev1.TLSCertKey, corev1.TLSPrivateKeyKey, dir, err))
	}
	return &pair{slices.Concat(cert, key), &read, name}, nil
}

func (p *pair) raw() []byte { return p.bytes }

func (p *pair) until() time.Time { return p.tls.Leaf.NotAfter }

func (p *pair) problem(now time.Time) *problem {
	leaf := p.tls.Leaf
	if wrong := outside("certificate", leaf.NotBefore, leaf.NotAfter, now); wrong != nil {
		return wrong
	}
	if p.name != "" && leaf.VerifyHostname(p.name) != nil {
		return &problem{wrongName, fmt.Sprintf("certificate is for %s, and has to be for %s (--cert-name)", strings.Join(hosts(leaf), ", "), p.name)}
	}
	server := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageAny}
	if len(leaf.ExtKeyUsage) > 0 && !slices.ContainsFunc(leaf.ExtKeyUsage, func(u x509.ExtKeyUsage) bool { return slices.Contains(server, u) }) {
		return &problem{wrongUsage, "certificate may not be a server's: it wants the extended key usage server auth"}
	}
	return nil
}

// hosts are the names and addresses that a certificate is for.
func hosts(leaf *x509.Certificate) []string {
	found := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		found = append(found, ip.String())
	}
	if len(found) == 0 {
		return []string{"no host at all"}
	}
	return found
}
