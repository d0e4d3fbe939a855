package preflight

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// soon is how long before its end a certificate of others is worth a warning.
const soon = 7 * 24 * time.Hour

// maker says who made a Secret, as far as it shows.
func maker(s *corev1.Secret) string {
	switch {
	// cert-manager keeps labels of what it takes over.
	case s.Annotations[certManagerName] != "":
		return "cert-manager"
	case s.Labels[managedBy] == "usher":
		return "usher"
	}
	return ""
}

// certificates that are there are the mode's own, or will do.
func certificates(o Options, facts *Facts) []Finding {
	if o.CertMode == CertFiles {
		return []Finding{filesCertificate(o, facts)}
	}
	wanted := map[CertMode]string{CertSelf: "usher", CertManager: "cert-manager"}[o.CertMode]
	var findings []Finding
	for _, name := range secrets {
		secret := facts.Secrets[name]
		if secret == nil {
			continue
		}
		switch made := maker(secret); {
		case made == wanted:
		// What is trusted already stays so while usher takes over, one by one.
		case o.CertMode == CertSelf && name != authoritySecret && len(facts.Services) > 0:
			findings = append(findings, doubtful("delete it to have usher make one, one Secret after the other (docs/certificates.md)",
				"Secret %s/%s was made by %s, and is served as it is", o.Namespace, name, cmp.Or(made, "others")))
		case made == "":
			findings = append(findings, wrong("delete it if nobody needs it, or set certificates.mode: files to use what is in it",
				"Secret %s/%s was made by others, and is not overwritten", o.Namespace, name))
		case o.CertMode == CertSelf:
			findings = append(findings, wrong("delete it, and the Certificate by which it would be made anew",
				"Secret %s/%s was made by cert-manager, and is not overwritten", o.Namespace, name))
		default:
			findings = append(findings, doubtful("until its certificate has reached every replica, reviews fail closed",
				"Secret %s/%s was made by usher; cert-manager takes it over", o.Namespace, name))
		}
	}
	if len(findings) == 0 {
		findings = append(findings, fine("made by %s", wanted))
	}
	return findings
}

// filesCertificate judges the certificate that others provide.
func filesCertificate(o Options, facts *Facts) Finding {
	const name = "usher-webhook-tls"
	advice := fmt.Sprintf("make it of type %s for the name usher-webhook.%s.svc", corev1.SecretTypeTLS, o.Namespace)
	secret := facts.Secrets[name]
	if secret == nil && o.For == Install {
		return doubtful(advice+"; until then usher's pods wait for it", "Secret %s/%s is not there", o.Namespace, name)
	}
	if secret == nil {
		return wrong(advice, "Secret %s/%s is not there", o.Namespace, name)
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return wrong(advice, "Secret %s/%s holds no certificate and key that fit: %v", o.Namespace, name, err)
	}
	host := fmt.Sprintf("usher-webhook.%s.svc", o.Namespace)
	left := pair.Leaf.NotAfter.Sub(o.Now)
	switch {
	case pair.Leaf.VerifyHostname(host) != nil:
		return wrong(advice, "the certificate in Secret %s/%s is for %s", o.Namespace, name, listed(pair.Leaf.DNSNames))
	case o.Now.Before(pair.Leaf.NotBefore):
		return wrong("look at the clocks", "the certificate in Secret %s/%s is valid from %s on", o.Namespace, name, pair.Leaf.NotBefore.UTC().Format(time.RFC3339))
	case left <= 0:
		return wrong("renew it", "the certificate in Secret %s/%s ended at %s", o.Namespace, name, pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	case left < soon:
		return doubtful("renew it", "the certificate in Secret %s/%s ends at %s", o.Namespace, name, pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return fine("provided, until %s", pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
}
