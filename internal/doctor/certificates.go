package doctor

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/url"
	"time"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/internal/doctor/webhooks"
)

// lateShare is how much of a certificate's life may be left at least: renewal is
// due at a third, so at a fifth it has failed for a while.
const lateShare = 5

// certificatesOf reads the certificates of a PEM bundle; an error says why one
// cannot be read.
func certificatesOf(bundle []byte) (all []*x509.Certificate, err error) {
	for len(bundle) > 0 {
		var block *pem.Block
		if block, bundle = pem.Decode(bundle); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return all, fmt.Errorf("read certificate %d: %w", len(all)+1, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no certificate in PEM in it")
	}
	return all, nil
}

// expired and late say how far a certificate's life is.
func expired(c *x509.Certificate, now time.Time) bool { return now.After(c.NotAfter) }

func late(c *x509.Certificate, now time.Time) bool {
	return c.NotAfter.Sub(now) < c.NotAfter.Sub(c.NotBefore)/lateShare
}

// servingCertificate is the certificate of the Secret that usher serves with, nil
// if there is none, and whether it is valid now.
func (s *Snapshot) servingCertificate() (chain []*x509.Certificate, valid bool) {
	secret := find(s.Secrets, s.Namespace, s.servingSecret())
	if secret == nil {
		return nil, false
	}
	chain, err := certificatesOf(secret.Data[corev1.TLSCertKey])
	if err != nil {
		return nil, false
	}
	return chain, !expired(chain[0], s.Now) && !s.Now.Before(chain[0].NotBefore)
}

// hostOf is the name that the API server asks for at a webhook.
func hostOf(h *webhooks.Hook) string {
	if h.Client.Service != nil {
		return h.Client.Service.Name + "." + h.Client.Service.Namespace + ".svc"
	}
	if h.Client.URL != nil {
		if u, err := url.Parse(*h.Client.URL); err == nil {
			if host, _, err := net.SplitHostPort(u.Host); err == nil {
				return host
			}
			return u.Host
		}
	}
	return ""
}
