package doctor

import (
	"crypto/x509"
	"time"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/internal/doctor/webhooks"
)

var checkServingCertificate = &Check{
	ID:    "serving-certificate",
	Title: "usher's certificate is valid, for its Service, and trusted by the CA bundles",
	Why: "The API server speaks to usher only while the certificate in the Secret is valid, bears the name of the Service and was " +
		"issued by an authority in the bundle. Else every request that usher is asked about is refused.",
	Needs: []Kind{kindValidating, kindDeployments},
	Reads: []Kind{kindMutating, kindSecrets},
	run: func(s *Snapshot) (found []Finding) {
		if !s.Live && len(s.Secrets) == 0 {
			return nil // it is made in the cluster
		}
		object := Object{"Secret", s.Namespace, s.servingSecret()}
		secret := find(s.Secrets, object.Namespace, object.Name)
		if secret == nil {
			if s.deployment(webhookName) == nil {
				return nil // nobody mounts it
			}
			return []Finding{errorOf(object, issuance(s), "it is not there: pods of usher-webhook wait for it and do not start")}
		}
		chain, err := certificatesOf(secret.Data[corev1.TLSCertKey])
		if err != nil {
			return []Finding{errorOf(object, issuance(s), "%s is unreadable: %v", corev1.TLSCertKey, err)}
		}
		switch c := chain[0]; {
		case expired(c, s.Now):
			found = append(found, errorOf(object, issuance(s), "the certificate expired at %s", c.NotAfter.UTC().Format(time.RFC3339)))
		case s.Now.Before(c.NotBefore):
			found = append(found, errorOf(object, "compare the clocks of this machine, the nodes and whoever issues it", "the certificate is not valid before %s", c.NotBefore.UTC().Format(time.RFC3339)))
		case late(c, s.Now):
			found = append(found, warningOf(object, issuance(s), "the certificate expires in %s, and should have been renewed", ago(c.NotAfter.Sub(s.Now))))
		}
		for _, h := range s.ushersHooks() {
			if f := trustFinding(s, h, object, chain); f != nil {
				found = append(found, *f)
			}
		}
		return merged(found)
	},
}

// trustFinding is why the API server would not speak to what serves the chain.
func trustFinding(s *Snapshot, h *webhooks.Hook, secret Object, chain []*x509.Certificate) *Finding {
	if h.Client.Service == nil {
		return nil // what answers at a URL need not be served from this Secret
	}
	if host := hostOf(h); chain[0].VerifyHostname(host) != nil {
		f := errorOf(secret, "issue it for "+host, "the certificate is for %v, and the API server asks for %s", names(chain[0]), host)
		return &f
	}
	authorities, err := certificatesOf(h.Client.CABundle)
	if err != nil {
		return nil // ca-bundle says it
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range authorities {
		roots.AddCert(c)
	}
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	// At a time at which the certificate is valid: that it is not now is another finding.
	at := chain[0].NotBefore.Add(chain[0].NotAfter.Sub(chain[0].NotBefore) / 2)
	if s.Now.After(chain[0].NotBefore) && s.Now.Before(chain[0].NotAfter) {
		at = s.Now
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err != nil {
		f := errorOf(hookObject(h), injection(h), "the CA bundle does not verify the certificate in %s: %v", secret, err)
		return &f
	}
	return nil
}

// names are those that a certificate is for.
func names(c *x509.Certificate) []string {
	all := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	return all
}

// issuance is what to do for a new certificate.
func issuance(s *Snapshot) string {
	switch s.issuer() {
	case "self":
		return "see whether usher-controller leads with --cert-mode=self, and its log; it makes the Secret anew when it is deleted"
	case "cert-manager":
		return "see `kubectl -n " + s.Namespace + " describe certificate,certificaterequest`, and whether cert-manager runs"
	default:
		return "issue a certificate for " + webhookName + "." + s.Namespace + ".svc and store it as tls.crt and tls.key; usher reads it again within seconds"
	}
}
