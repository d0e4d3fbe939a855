package certs

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"net"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/cert-manager/cert-manager/pkg/util/pki"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Usage says which side of a connection a certificate is for.
type Usage int

// The sides of a connection.
const (
	ServerAuth Usage = iota
	ClientAuth
)

// Leaf is what a certificate is for.
type Leaf struct {
	Usage Usage
	// CommonName names a client; servers are known by their hosts.
	CommonName string
	// Hosts are the DNS names and IP addresses of a server.
	Hosts []string
}

// Pair is a certificate and its key, both in PEM.
type Pair struct {
	Cert []byte
	Key  []byte
}

// Authority is a certificate authority that can sign.
type Authority struct {
	Pair
	cert *x509.Certificate
	key  crypto.Signer
}

// The parts of the specification that all certificates share.
func specification(lifetime time.Duration) cmapi.CertificateSpec {
	return cmapi.CertificateSpec{
		Duration:   &metav1.Duration{Duration: lifetime},
		PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256},
		IssuerRef:  cmmeta.IssuerReference{Name: "usher"},
	}
}

// backdated is how far a clock may be behind and still find a new certificate
// valid.
const backdated = 5 * time.Minute

// NewAuthority makes an authority that lasts for lifetime from now on. Its name
// tells it from those before and after it in one bundle.
func NewAuthority(name string, now time.Time, lifetime time.Duration) (*Authority, error) {
	request := &cmapi.Certificate{Spec: specification(lifetime)}
	request.Spec.CommonName = name
	request.Spec.IsCA = true
	request.Spec.Usages = []cmapi.KeyUsage{cmapi.UsageCertSign}
	key, err := pki.GeneratePrivateKeyForCertificate(request)
	if err != nil {
		return nil, fmt.Errorf("make an authority: %w", err)
	}
	template, err := pki.CertificateTemplateFromCertificate(request)
	if err != nil {
		return nil, fmt.Errorf("make an authority: %w", err)
	}
	template.NotBefore, template.NotAfter = now.Add(-backdated), now.Add(lifetime)
	cert, parsed, err := pki.SignCertificate(template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make an authority: %w", err)
	}
	encoded, err := pki.EncodePrivateKey(key, cmapi.PKCS8)
	if err != nil {
		return nil, fmt.Errorf("make an authority: %w", err)
	}
	return &Authority{Pair{cert, encoded}, parsed, key}, nil
}

// ReadAuthority reads an authority from PEM.
func ReadAuthority(p Pair) (*Authority, error) {
	cert, err := pki.DecodeX509CertificateBytes(p.Cert)
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	key, err := pki.DecodePrivateKeyBytes(p.Key)
	if err != nil {
		return nil, fmt.Errorf("read the authority's key: %w", err)
	}
	if same, err := pki.PublicKeyMatchesCertificate(key.Public(), cert); err != nil || !same {
		return nil, fmt.Errorf("the authority's key is not that of its certificate %q", cert.Subject.CommonName)
	}
	if !cert.IsCA {
		return nil, fmt.Errorf("certificate %q is no authority's", cert.Subject.CommonName)
	}
	return &Authority{p, cert, key}, nil
}

// Issue makes a certificate that lasts for lifetime from now on, but no longer than
// the authority. The PEM holds the certificate alone: whoever verifies it has the
// authority's.
func (a *Authority) Issue(leaf Leaf, now time.Time, lifetime time.Duration) (Pair, error) {
	request := &cmapi.Certificate{Spec: specification(lifetime)}
	request.Spec.CommonName = leaf.CommonName
	usage := cmapi.UsageServerAuth
	if leaf.Usage == ClientAuth {
		usage = cmapi.UsageClientAuth
	}
	request.Spec.Usages = []cmapi.KeyUsage{usage, cmapi.UsageDigitalSignature}
	for _, host := range leaf.Hosts {
		if net.ParseIP(host) != nil {
			request.Spec.IPAddresses = append(request.Spec.IPAddresses, host)
		} else {
			request.Spec.DNSNames = append(request.Spec.DNSNames, host)
		}
	}
	key, err := pki.GeneratePrivateKeyForCertificate(request)
	if err != nil {
		return Pair{}, fmt.Errorf("make a certificate: %w", err)
	}
	template, err := pki.CertificateTemplateFromCertificate(request)
	if err != nil {
		return Pair{}, fmt.Errorf("make a certificate: %w", err)
	}
	template.NotBefore, template.NotAfter = now.Add(-backdated), now.Add(lifetime)
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	cert, _, err := pki.SignCertificate(template, a.cert, key.Public(), a.key)
	if err != nil {
		return Pair{}, fmt.Errorf("make a certificate: %w", err)
	}
	encoded, err := pki.EncodePrivateKey(key, cmapi.PKCS8)
	if err != nil {
		return Pair{}, fmt.Errorf("make a certificate: %w", err)
	}
	return Pair{cert, encoded}, nil
}

// madeAt is when a certificate was made.
func madeAt(cert *x509.Certificate) time.Time { return cert.NotBefore.Add(backdated) }
