package doctor

import (
	"crypto/x509"
	"slices"
	"time"

	"usher.dev/usher/internal/doctor/webhooks"
)

var checkCABundle = &Check{
	ID:    "ca-bundle",
	Title: "CA bundles of webhooks can be read and are valid",
	Why: "The API server trusts a webhook's certificate by the bundle in its configuration alone. Empty, unreadable or expired, " +
		"every request that the webhook is asked about fails, or passes unjudged where failurePolicy is Ignore.",
	Needs: []Kind{kindValidating},
	Reads: []Kind{kindMutating},
	run: func(s *Snapshot) (found []Finding) {
		for _, h := range s.hooks() {
			if f := bundleFinding(s, h); f != nil {
				if !h.Fails && !isUshers(h) {
					f.Severity = Warning
				}
				found = append(found, *f)
			}
		}
		return merged(found)
	},
}

// bundleFinding is what is wrong with the bundle of a webhook, nil if nothing is.
func bundleFinding(s *Snapshot, h *webhooks.Hook) *Finding {
	bundle := h.Client.CABundle
	if len(bundle) == 0 {
		if h.Client.Service == nil || !s.Live && injected(h) {
			// A URL may be one whose authority every machine knows, and what is
			// injected is not in manifests.
			return nil
		}
		f := errorOf(hookObject(h), injection(h), "the CA bundle is empty: the API server trusts no certificate of Service %s/%s",
			h.Client.Service.Namespace, h.Client.Service.Name)
		return &f
	}
	authorities, err := certificatesOf(bundle)
	if err != nil {
		f := errorOf(hookObject(h), injection(h), "the CA bundle is unreadable: %v", err)
		return &f
	}
	valid := slices.DeleteFunc(slices.Clone(authorities), func(c *x509.Certificate) bool { return expired(c, s.Now) })
	if len(valid) == 0 {
		f := errorOf(hookObject(h), injection(h), "every authority in the CA bundle has expired, the last at %s",
			last(authorities).NotAfter.UTC().Format(time.RFC3339))
		return &f
	}
	if c := last(valid); late(c, s.Now) {
		f := warningOf(hookObject(h), injection(h), "the last authority in the CA bundle, %q, expires in %s, and should have been renewed",
			c.Subject.CommonName, ago(c.NotAfter.Sub(s.Now)))
		return &f
	}
	return nil
}

// injected reports whether somebody is asked to write the bundle.
func injected(h *webhooks.Hook) bool {
	return slices.ContainsFunc([]string{injectSelf, injectFrom, "cert-manager.io/inject-ca-from-secret", "cert-manager.io/inject-apiserver-ca"},
		func(key string) bool { return h.Annotations[key] != "" })
}

// last is the certificate that expires last.
func last(all []*x509.Certificate) *x509.Certificate {
	return slices.MaxFunc(all, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
}

// merged leaves out findings that say the same of the same object.
func merged(found []Finding) []Finding {
	var once []Finding
	for _, f := range found {
		if !slices.Contains(once, f) {
			once = append(once, f)
		}
	}
	return once
}

// injection is what to do for a right bundle.
func injection(h *webhooks.Hook) string {
	switch {
	case h.Annotations[injectSelf] != "":
		return "see the log and the metrics usher_certificate_* of usher-controller, which runs with --cert-mode=self and writes the bundle"
	case h.Annotations[injectFrom] != "":
		return "see whether cert-manager's CA injector runs and the Certificate " + h.Annotations[injectFrom] + " is Ready"
	case !isUshers(h):
		return "put the authority's certificate, in PEM, into clientConfig.caBundle, or see why whoever writes it does not"
	default:
		return "put the authority's certificate, in PEM, into clientConfig.caBundle, or let usher-controller (" + injectSelf + ": self) or cert-manager (" + injectFrom + ") write it"
	}
}
