package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"
)

// clientCA are the authorities that a client's certificate has to come from.
type clientCA struct {
	bytes        []byte
	pool         *x509.CertPool
	certificates []*x509.Certificate
}

func readClientCA(file string) (*clientCA, *problem) {
	const what = "client CA"
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, unread(what, err)
	}
	ca := &clientCA{bytes: pem, pool: x509.NewCertPool(), certificates: parse(pem)}
	if len(ca.certificates) == 0 {
		return nil, unread(what, fmt.Errorf("%s: %w", file, errors.New("no certificates in PEM, or one that is none")))
	}
	for _, c := range ca.certificates {
		ca.pool.AddCert(c)
	}
	return ca, nil
}

func (c *clientCA) raw() []byte { return c.bytes }

// until is when the last of the authorities expires: while one takes the place of
// another, the old one may.
func (c *clientCA) until() time.Time {
	var last time.Time
	for _, cert := range c.certificates {
		if cert.NotAfter.After(last) {
			last = cert.NotAfter
		}
	}
	return last
}

// problem is that of the last of the authorities, if none can be used.
func (c *clientCA) problem(now time.Time) *problem {
	var wrong *problem
	for _, cert := range c.certificates {
		p := outside("client CA", cert.NotBefore, cert.NotAfter, now)
		if p == nil {
			return nil
		}
		wrong = p
	}
	return wrong
}
