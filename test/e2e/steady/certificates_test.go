package steady

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/test/e2e/installation"
)

// renewLeaf waits until the serving certificate is renewed by the authority that
// signed the last one, and every webhook serves it.
func (s *show) renewLeaf(ctx context.Context) (string, error) {
	var leaf []byte
	err := until(ctx, "a certificate is renewed", func() error {
		before, after, err := s.watch.renewal(s.since)
		if err != nil {
			return err
		}
		leaf = after
		if bytes.Equal(before, after) {
			return errors.New("it is the same")
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	err = until(ctx, "every webhook serves the certificate in the Secret", func() error { return s.allServe(ctx) })
	return fmt.Sprintf("certificate %s, served by all replicas", serial(leaf)), err
}

// rotateAuthority waits until the authority has been replaced: both are trusted, the
// new one signs, the old one is trusted no more.
func (s *show) rotateAuthority(ctx context.Context) (string, error) {
	var told string
	if err := until(ctx, "the authority is replaced", func() (err error) { told, err = s.watch.rotation(s.since); return err }); err != nil {
		return "", err
	}
	err := until(ctx, "the new authority alone is trusted, and its certificates are served", func() error {
		authority, err := s.Authority(ctx)
		if err != nil {
			return err
		}
		if len(authority["next.crt"])+len(authority["retired.crt"]) > 0 {
			return errors.New("another rotation is under way")
		}
		bundles, err := s.Bundles(ctx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(bundles, func(b []byte) bool { return !bytes.Equal(b, authority["ca.crt"]) }) {
			return errors.New("a CA bundle trusts others")
		}
		return s.allServe(ctx)
	})
	return told, err
}

// allServe is an error unless every webhook serves the certificate in the Secret.
func (s *show) allServe(ctx context.Context) error {
	secret, err := s.Serving(ctx)
	if err != nil {
		return err
	}
	want, err := first(secret[corev1.TLSCertKey])
	if err != nil {
		return err
	}
	for n, unit := range s.Webhooks {
		got, err := served(ctx, unit)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want.Raw) {
			return fmt.Errorf("replica %d serves another certificate", n)
		}
	}
	return nil
}

// served is the certificate that a webhook serves, as DER.
func served(ctx context.Context, unit *installation.Unit) ([]byte, error) {
	var leaf []byte
	dialer := tls.Dialer{Config: &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Which it is, is compared.
		InsecureSkipVerify: true,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			leaf = raw[0]
			return nil
		},
	}}
	connection, err := dialer.DialContext(ctx, "tcp", unit.Serves())
	if leaf != nil {
		// Without a certificate of our own, the handshake need not end well.
		err = nil
	}
	if connection != nil {
		_ = connection.Close()
	}
	return leaf, err
}

// first decodes the first certificate in PEM.
func first(certificates []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(certificates)
	if block == nil {
		return nil, errors.New("there is no certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

// serial is the end of a certificate's serial number.
func serial(certificates []byte) string {
	certificate, err := first(certificates)
	if err != nil {
		return err.Error()
	}
	text := fmt.Sprintf("%x", certificate.SerialNumber)
	return "…" + text[max(0, len(text)-8):]
}

// subject is the name of an authority.
func subject(certificates []byte) string {
	certificate, err := first(certificates)
	if err != nil {
		return err.Error()
	}
	return strings.TrimPrefix(certificate.Subject.CommonName, "usher authority of ")
}
