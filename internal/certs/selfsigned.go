// Package certs makes, rotates and reloads certificates.
package certs

import (
	"crypto/tls"
	"fmt"
	"time"
)

// SelfSigned makes a certificate authority and a serving certificate of it for
// hosts (names or IP addresses), both in memory only. It returns the serving
// certificate and the authority's certificate in PEM.
func SelfSigned(hosts []string, lifetime time.Duration) (tls.Certificate, []byte, error) {
	now := time.Now()
	authority, err := NewAuthority("usher", now, lifetime)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := authority.Issue(Leaf{Hosts: hosts}, now, lifetime)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	pair, err := tls.X509KeyPair(leaf.Cert, leaf.Key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make a certificate: %w", err)
	}
	return pair, authority.Cert, nil
}
