package doctor

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"usher.dev/usher/api/v1alpha1"
)

// ushersNeeds are the requests that usher makes while it decides.
func ushersNeeds(namespace string) []need {
	user, groups := serviceAccount(namespace, webhookName)
	return []need{update("usher reserves GPUs in a QuotaLedger", user, groups, v1alpha1.GroupVersion, "QuotaLedger", "quotaledgers/status", "", "any",
		map[string]any{"status": map[string]any{"version": "b", "over": "a"}})}
}

var certManager = schema.GroupVersion{Group: "cert-manager.io", Version: "v1"}

const (
	injectFrom = "cert-manager.io/inject-ca-from"
	injectSelf = "usher.dev/inject-ca"
)

// issuer says who issues the certificate that usher serves with: "cert-manager",
// "self" for usher-controller, "" for somebody else.
func (s *Snapshot) issuer() string {
	for _, h := range s.ushersHooks() {
		for key := range h.Annotations {
			switch {
			case key == injectSelf:
				return modeSelf
			case strings.HasPrefix(key, "cert-manager.io/inject-"):
				return "cert-manager"
			}
		}
	}
	return ""
}

// issueCertificates lets usher wait for whoever issues its certificate.
func (c *coldStart) issueCertificates(s *Snapshot, known map[Object]*component, ordinary func(workload) *component, all []workload) {
	webhook := known[Object{"Deployment", s.Namespace, webhookName}]
	if webhook == nil {
		return
	}
	secret := s.servingSecret()
	write := func(user string, groups []string, who string) []need {
		data := map[string]any{"data": map[string]any{corev1.TLSCertKey: "bmV3"}}
		return []need{
			create(who+" creates the Secret "+secret, user, groups, core, "Secret", "secrets", s.Namespace, secret, data),
			update(who+" updates the Secret "+secret, user, groups, core, "Secret", "secrets", s.Namespace, secret, data),
		}
	}
	for _, w := range all {
		account := or(w.template.Spec.ServiceAccountName, "default")
		user, groups := serviceAccount(w.Namespace, account)
		var needs []need
		switch {
		case s.issuer() == modeSelf && w.Namespace == s.Namespace && w.Name == controllerName:
			needs = append(write(user, groups, controllerName),
				create(controllerName+" makes its Lease", user, groups, coordination, "Lease", "leases", s.Namespace, controllerName, renewal),
				update(controllerName+" renews its Lease", user, groups, coordination, "Lease", "leases", s.Namespace, controllerName, renewal))
		case s.issuer() == "cert-manager" && isIssuer(w):
			needs = append(write(user, groups, "cert-manager"),
				create("cert-manager makes its Lease", user, groups, coordination, "Lease", "leases", "kube-system", "cert-manager-controller", renewal),
				update("cert-manager renews its Lease", user, groups, coordination, "Lease", "leases", "kube-system", "cert-manager-controller", renewal),
				create("cert-manager makes a CertificateRequest", user, groups, certManager, "CertificateRequest", "certificaterequests", s.Namespace, secret, nil),
				update("cert-manager writes the status of a Certificate", user, groups, certManager, "Certificate", "certificates/status", s.Namespace, secret, map[string]any{"status": map[string]any{}}))
		case s.issuer() == "cert-manager" && isInjector(w):
		default:
			continue
		}
		issues := ordinary(w)
		issues.needs = addNeeds(issues.needs, needs)
		webhook.after = append(webhook.after, dependency{issues, "gets its certificate from"})
	}
}
