// Package certs makes and reloads certificates.
package certs

import (
	"crypto/tls"
	"fmt"
	"net"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/cert-manager/cert-manager/pkg/util/pki"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SelfSigned makes a certificate authority and a serving certificate of it for
// hosts (names or IP addresses), both in memory only. It returns the serving
// certificate and the authority's certificate in PEM.
func SelfSigned(hosts []string, lifetime time.Duration) (tls.Certificate, []byte, error) {
	authority := &cmapi.Certificate{Spec: cmapi.CertificateSpec{
		CommonName: "usher",
		IsCA:       true,
		Duration:   &metav1.Duration{Duration: lifetime},
		Usages:     []cmapi.KeyUsage{cmapi.UsageCertSign},
		PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256},
		IssuerRef:  cmmeta.IssuerReference{Name: "usher"},
	}}
	serving := &cmapi.Certificate{Spec: cmapi.CertificateSpec{
		Duration:   authority.Spec.Duration,
		Usages:     []cmapi.KeyUsage{cmapi.UsageServerAuth, cmapi.UsageDigitalSignature},
		PrivateKey: authority.Spec.PrivateKey,
		IssuerRef:  authority.Spec.IssuerRef,
	}}
	for _, host := range hosts {
		if net.ParseIP(host) != nil {
			serving.Spec.IPAddresses = append(serving.Spec.IPAddresses, host)
		} else {
			serving.Spec.DNSNames = append(serving.Spec.DNSNames, host)
		}
	}
	fail := func(err error) (tls.Certificate, []byte, error) {
		return tls.Certificate{}, nil, fmt.Errorf("make a certificate: %w", err)
	}
	authorityKey, err := pki.GeneratePrivateKeyForCertificate(authority)
	if err != nil {
		return fail(err)
	}
	authorityTemplate, err := pki.CertificateTemplateFromCertificate(authority)
	if err != nil {
		return fail(err)
	}
	authorityPEM, authorityCert, err := pki.SignCertificate(authorityTemplate, authorityTemplate, authorityKey.Public(), authorityKey)
	if err != nil {
		return fail(err)
	}
	key, err := pki.GeneratePrivateKeyForCertificate(serving)
	if err != nil {
		return fail(err)
	}
	template, err := pki.CertificateTemplateFromCertificate(serving)
	if err != nil {
		return fail(err)
	}
	certPEM, _, err := pki.SignCertificate(template, authorityCert, key.Public(), authorityKey)
	if err != nil {
		return fail(err)
	}
	keyPEM, err := pki.EncodePrivateKey(key, cmapi.PKCS8)
	if err != nil {
		return fail(err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return fail(err)
	}
	return pair, authorityPEM, nil
}
