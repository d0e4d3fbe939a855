package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// clientCACheck is how long a client CA file is trusted before it is read again.
const clientCACheck = 5 * time.Second

// ClientCA are the authorities in a PEM file that a client's certificate has to
// come from. The file is read again when it changes; one that turns unreadable
// keeps the last good authorities in force.
type ClientCA struct {
	file   string
	failed func(error)

	mu      sync.Mutex
	pool    *x509.CertPool
	checked time.Time
}

// LoadClientCA reads the authorities. failed is told when a later reading fails.
func LoadClientCA(file string, failed func(error)) (*ClientCA, error) {
	c := &ClientCA{file: file, failed: failed}
	return c, c.load()
}

// Require makes a server accept only clients with a certificate of one of the
// authorities.
func (c *ClientCA) Require(cfg *tls.Config) {
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	// A resumed session would skip the check against the authorities of now.
	cfg.SessionTicketsDisabled = true
	cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := cfg.Clone()
		now.GetConfigForClient = nil
		now.ClientCAs = c.current()
		return now, nil
	}
}

func (c *ClientCA) load() error {
	c.checked = time.Now()
	pem, err := os.ReadFile(c.file)
	if err != nil {
		return fmt.Errorf("read client CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("read client CA: %s holds no certificate in PEM", c.file)
	}
	c.pool = pool
	return nil
}

// current returns the last good authorities.
func (c *ClientCA) current() *x509.CertPool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) >= clientCACheck {
		if err := c.load(); err != nil {
			c.failed(err)
		}
	}
	return c.pool
}
