package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"github.com/go-logr/logr"
)

// lookEvery is the time between two readings of the files. Two small files cost
// less than to be told of their changes across renames, links and mounts.
const lookEvery = time.Second

// ServedOptions say which certificate a server shows, and to whom.
type ServedOptions struct {
	// Dir holds tls.crt and tls.key. Empty: the server shows Made.
	Dir string
	// Name is the DNS name or the IP address that clients come for. A certificate
	// that is not for it is not good. Empty: any is.
	Name string
	// Made is a certificate that lives in memory alone.
	Made *tls.Certificate
	// ClientCAFile holds the authorities that clients' certificates have to come
	// from, in PEM. Empty: every client may ask.
	ClientCAFile string

	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Served is the certificate that a server shows, and the authorities by which it
// knows its clients. Both are read again from their files all the time; what
// cannot be used does not take the place of what can. While there is no
// certificate nobody can connect, and while there is no authority nobody may ask.
type Served struct {
	options ServedOptions
	cert    *reloaded[*pair]
	clients *reloaded[*clientCA] // nil: every client may ask
}

// NewServed reads the files for the first time. It is no error if they are not
// there yet: Check says so, and Run reads them when they are.
func NewServed(o ServedOptions, log logr.Logger) *Served {
	if o.Now == nil {
		o.Now = time.Now
	}
	read := func() (*pair, *problem) { return readPair(o.Dir, o.Name) }
	if o.Dir == "" {
		made := &pair{tls: o.Made}
		read = func() (*pair, *problem) { return made, nil }
	}
	s := &Served{options: o, cert: &reloaded[*pair]{what: "certificate", label: "serving", read: read, log: log}}
	if o.ClientCAFile != "" {
		read := func() (*clientCA, *problem) { return readClientCA(o.ClientCAFile) }
		s.clients = &reloaded[*clientCA]{what: "client CA", label: "client-ca", read: read, log: log}
	}
	s.look()
	return s
}

// Run reads the files again until the context ends.
func (s *Served) Run(ctx context.Context) error {
	for pause(ctx, lookEvery, nil) {
		s.look()
	}
	return nil
}

func (s *Served) look() {
	now := s.options.Now()
	s.cert.look(now)
	if s.clients != nil {
		s.clients.look(now)
	}
}

// Check says in detail which certificate and authorities are in use, and with an
// error that there are none that can be.
func (s *Served) Check() (detail string, err error) {
	now := s.options.Now()
	detail, err = s.cert.check(now)
	if s.clients == nil {
		return detail, err
	}
	clients, clientsErr := s.clients.check(now)
	if detail != "" && clients != "" {
		detail += "\n"
	}
	return detail + clients, errors.Join(err, clientsErr)
}

// TLS sets a server up to show the certificate and to ask for that of its client.
func (s *Served) TLS(c *tls.Config) {
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if p, ok := s.cert.get(); ok {
			return p.tls, nil
		}
		return nil, errors.New("there is no certificate yet")
	}
	if s.clients == nil {
		return
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	// A resumed session would skip the check against the authorities of now.
	c.SessionTicketsDisabled = true
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := c.Clone()
		now.GetConfigForClient = nil
		now.ClientCAs = x509.NewCertPool()
		if ca, ok := s.clients.get(); ok {
			now.ClientCAs = ca.pool
		}
		return now, nil
	}
}
