package guards

import (
	"strings"
	"testing"
)

// TestWhatIsLeftToRBAC asks for what docs/tenancy-guards.md says that neither
// usher's roles nor Kubernetes' role admin give.
func TestWhatIsLeftToRBAC(t *testing.T) {
	const namespace = "left"
	shared.tenant(t, namespace)
	for _, user := range []string{"alice@example.com", "bob@example.com", "carol@example.com"} {
		for question, want := range map[string]string{
			"create pods":                                                         "yes", // the questions are asked rightly
			"update services --subresource=status":                                "no",
			"patch services --subresource=status":                                 "no",
			"create endpointslices.discovery.k8s.io":                              "no",
			"update namespaces":                                                   "no",
			"delete namespaces":                                                   "no",
			"update resourcequotas --subresource=status":                          "no",
			"update resourcequotas":                                               "no",
			"create limitranges":                                                  "no",
			"create tenants.usher.dev":                                            "no",
			"update quotaledgers.usher.dev":                                       "no",
			"create validatingwebhookconfigurations":                              "no",
			"create validatingadmissionpolicies":                                  "no",
			"create serviceaccounts --subresource=token --namespace=usher-system": "no",
		} {
			arguments := append([]string{"auth", "can-i", "--as", user, "--namespace", namespace}, strings.Fields(question)...)
			// can-i exits with 1 when the answer is no.
			answer, _, _ := shared.Kubectl(t.Context(), "", arguments...)
			if got := strings.TrimSpace(answer); got != want {
				t.Errorf("may %s %s? %s, want %s", user, question, got, want)
			}
		}
	}
}
