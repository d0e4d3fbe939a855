package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
)

// files are what kube-apiserver reads and writes beside etcd.
type files struct {
	authority     string
	certificate   string
	key           string
	tokenVerifier string
	tokenSigner   string
	admission     string
	auditPolicy   string
}

// auditPolicy records who did what with which admission annotations, not the
// objects themselves, and nothing of reads.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    verbs: [get, list, watch]
  - level: Metadata
`

// admissionConfiguration gives the webhook admission plugins the credentials in
// a kubeconfig.
const admissionConfiguration = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: MutatingAdmissionWebhook
    configuration: &webhooks
      apiVersion: apiserver.config.k8s.io/v1
      kind: WebhookAdmissionConfiguration
      kubeConfigFile: %s
  - name: ValidatingAdmissionWebhook
    configuration: *webhooks
`

// webhookKubeconfig presents one client certificate to every webhook.
const webhookKubeconfig = `apiVersion: v1
kind: Config
users:
  - name: "*"
    user:
      client-certificate: %s
      client-key: %s
`

// writeFiles writes them; names are the API server's beside the loopback address.
func writeFiles(folder string, authority *Authority, names ...string) (files, error) {
	in := func(name string) string { return filepath.Join(folder, name) }
	f := files{
		authority:   in("ca.crt"),
		admission:   in("admission.yaml"),
		auditPolicy: in("audit-policy.yaml"),
	}
	serving, err := authority.Serving(names...)
	if err != nil {
		return f, err
	}
	if f.certificate, f.key, err = serving.Write(folder, "serving.crt", "serving.key"); err != nil {
		return f, err
	}
	// Service account tokens are checked with the public key in a certificate.
	tokens, err := authority.Client("service accounts")
	if err != nil {
		return f, err
	}
	if f.tokenVerifier, f.tokenSigner, err = tokens.Write(folder, "service-account.crt", "service-account.key"); err != nil {
		return f, err
	}
	webhooks, err := authority.Client("kube-apiserver")
	if err != nil {
		return f, err
	}
	certificate, key, err := webhooks.Write(folder, "webhook-client.crt", "webhook-client.key")
	if err != nil {
		return f, err
	}
	for path, content := range map[string]string{
		f.authority:               string(authority.PEM),
		f.auditPolicy:             auditPolicy,
		in("webhooks.kubeconfig"): fmt.Sprintf(webhookKubeconfig, certificate, key),
		f.admission:               fmt.Sprintf(admissionConfiguration, in("webhooks.kubeconfig")),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return f, err
		}
	}
	return f, nil
}
