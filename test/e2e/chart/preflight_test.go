package chart

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"usher.dev/usher/test/e2e/controlplane"
)

// apply applies objects until the test ends.
func apply(t *testing.T, manifest string) {
	t.Helper()
	must(t, plane.ApplyYAML(t.Context(), manifest))
	t.Cleanup(func() { remove(t, manifest, "-f", "-") })
}

// remove deletes what a test applied, after it has ended. A CRD can take longer than
// one kubectl waits: the API server looks for a minute for objects of its kind.
func remove(t *testing.T, stdin string, arguments ...string) {
	t.Helper()
	var err error
	for range 3 {
		if _, _, err = plane.Kubectl(context.Background(), stdin, append([]string{"delete", "--ignore-not-found"}, arguments...)...); err == nil {
			return
		}
	}
	t.Error(err)
}

// tlsSecret is a Secret with a certificate for a host.
func tlsSecret(name, metadata, host string) func(*testing.T, string) string {
	return func(t *testing.T, in string) string {
		t.Helper()
		authority, err := controlplane.NewAuthority("others")
		must(t, err)
		pair, err := authority.Serving(strings.ReplaceAll(host, "preflight", in))
		must(t, err)
		data, err := json.Marshal(map[string][]byte{"tls.crt": pair.Certificate, "tls.key": pair.Key})
		must(t, err)
		return fmt.Sprintf("{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {namespace: %s, name: %s%s}, data: %s}", in, name, metadata, data)
	}
}

// fixed is a manifest in which the namespace's name stands for preflight.
func fixed(manifest string) func(*testing.T, string) string {
	return func(_ *testing.T, in string) string { return strings.ReplaceAll(manifest, "preflight", in) }
}

// withVersions is a CRD of usher's name with versions, the last of which is stored.
func withVersions(name, kind string, versions ...string) string {
	var all []string
	for i, version := range versions {
		all = append(all, fmt.Sprintf("{name: %s, served: true, storage: %t, schema: {openAPIV3Schema: {type: object}}}", version, i == len(versions)-1))
	}
	return fmt.Sprintf("---\n{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: %s.usher.dev}, spec: {group: usher.dev, scope: Cluster, names: {plural: %s, kind: %s}, versions: [%s]}}\n",
		name, name, kind, strings.Join(all, ", "))
}

const registered = `---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: usher-webhook}
webhooks:
- {name: a.usher.dev, admissionReviewVersions: [v1], sideEffects: None, failurePolicy: Ignore, clientConfig: {service: {namespace: %s, name: usher-webhook}}}
`

func TestPreflight(t *testing.T) {
	for i, tt := range []struct {
		name     string
		manifest func(t *testing.T, in string) string
		setup    func(t *testing.T, in string)
		args     []string
		code     int
		want     []string
	}{
		{
			name: "an empty cluster", args: []string{"--agent", "--api-server-ports=443,6443"},
			want: []string{
				"ok       API server: v1.37.2", "ok       kinds of usher: not there yet", "ok       registration: nobody is asked yet",
				"ok       certificates: made by usher", "ok       Pod Security: the namespace enforces no level of its own",
				"ok       network policies: usher may reach the API server at 6443",
			},
		},
		{name: "cert-manager is not there", setup: withoutCertManager, args: []string{"--cert-mode=cert-manager"}, code: 1, want: []string{
			"error    API server: cert-manager.io/v1/certificates is not served; install cert-manager first, or set certificates.mode: self",
			"error    API server: cert-manager.io/v1/issuers is not served",
		}},
		{name: "cert-manager is there", setup: reinstallCertManager, args: []string{"--cert-mode=cert-manager"}, want: []string{"ok       certificates: made by cert-manager"}},
		{name: "the Prometheus operator is not there", args: []string{"--monitoring"}, code: 1, want: []string{
			"error    API server: monitoring.coreos.com/v1/podmonitors is not served; install the Prometheus operator first",
		}},
		{name: "kinds of a later release", manifest: fixed(withVersions("tenants", "Tenant", "v1alpha1", "v2")), code: 1, want: []string{
			"error    kinds of usher: CRD tenants.usher.dev has objects stored as v2, which this release does not know; it knows v1alpha1",
		}},
		{name: "kinds of this release", manifest: fixed(withVersions("tenants", "Tenant", "v1alpha1")), want: []string{"ok       kinds of usher: 1 there"}},
		{name: "another usher is registered", manifest: fixed(fmt.Sprintf(registered, "elsewhere")), code: 1, want: []string{
			`error    registration: ValidatingWebhookConfiguration usher-webhook is of the usher in namespace "elsewhere"; uninstall that one first`,
		}},
		{name: "this usher is registered", manifest: fixed(fmt.Sprintf(registered, "preflight")), args: []string{"--for=upgrade"}, want: []string{
			"ok       registration: of the usher in this namespace",
		}},
		{name: "a certificate of others", manifest: tlsSecret("usher-webhook-tls", "", "x"), code: 1, want: []string{
			"error    certificates: Secret preflight/usher-webhook-tls was made by others, and is not overwritten; delete it if nobody needs it, or set certificates.mode: files",
		}},
		{
			name: "a certificate of cert-manager's, for usher's own", code: 1,
			manifest: tlsSecret("usher-extender-tls", `, annotations: {cert-manager.io/certificate-name: usher-extender}`, "x"),
			want:     []string{"error    certificates: Secret preflight/usher-extender-tls was made by cert-manager, and is not overwritten; delete it, and the Certificate"},
		},
		{
			name: "a certificate of cert-manager's that is trusted, for usher's own", args: []string{"--for=upgrade"},
			setup: func(t *testing.T, in string) {
				apply(t, tlsSecret("usher-webhook-tls", `, annotations: {cert-manager.io/certificate-name: usher-webhook}`, "x")(t, in))
			},
			manifest: fixed(fmt.Sprintf(registered, "preflight")),
			want:     []string{"warning  certificates: Secret preflight/usher-webhook-tls was made by cert-manager, and is served as it is; delete it to have usher make one"},
		},
		{
			name: "an authority of cert-manager's, for usher's own", args: []string{"--for=upgrade"}, code: 1,
			setup: func(t *testing.T, in string) {
				apply(t, tlsSecret("usher-ca", `, annotations: {cert-manager.io/certificate-name: usher-ca}`, "x")(t, in))
			},
			manifest: fixed(fmt.Sprintf(registered, "preflight")),
			want:     []string{"error    certificates: Secret preflight/usher-ca was made by cert-manager, and is not overwritten"},
		},
		{
			name: "usher's own certificate", manifest: tlsSecret("usher-webhook-tls", `, labels: {app.kubernetes.io/managed-by: usher}`, "x"),
			want: []string{"ok       certificates: made by usher"},
		},
		{
			name: "usher's own certificate, for cert-manager's", setup: reinstallCertManager, args: []string{"--for=upgrade", "--cert-mode=cert-manager"},
			manifest: tlsSecret("usher-webhook-tls", `, labels: {app.kubernetes.io/managed-by: usher}`, "x"),
			want:     []string{"warning  certificates: Secret preflight/usher-webhook-tls was made by usher; cert-manager takes it over"},
		},
		{name: "no file before an installation", args: []string{"--cert-mode=files"}, want: []string{
			"warning  certificates: Secret preflight/usher-webhook-tls is not there; make it of type kubernetes.io/tls for the name usher-webhook.preflight.svc; until then",
		}},
		{name: "no file before an upgrade", args: []string{"--cert-mode=files", "--for=upgrade"}, code: 1, want: []string{
			"error    certificates: Secret preflight/usher-webhook-tls is not there",
		}},
		{
			name: "a file", args: []string{"--cert-mode=files"}, manifest: tlsSecret("usher-webhook-tls", "", "usher-webhook.preflight.svc"),
			want: []string{"warning  certificates: the certificate in Secret preflight/usher-webhook-tls ends at "},
		},
		{
			name: "a file for another name", args: []string{"--cert-mode=files"}, code: 1,
			manifest: tlsSecret("usher-webhook-tls", "", "usher-webhook.usher-system.svc"),
			want:     []string{"error    certificates: the certificate in Secret preflight/usher-webhook-tls is for localhost, usher-webhook.usher-system.svc"},
		},
		{
			name: "a namespace that does not admit the agent", args: []string{"--agent"}, code: 1,
			setup: func(t *testing.T, in string) {
				kubectl(t, "label", "namespace", in, "pod-security.kubernetes.io/enforce=restricted")
			},
			want: []string{
				"error    Pod Security: namespace preflight enforces the level restricted, and the agent mounts folders of its nodes; kubectl label namespace preflight --overwrite pod-security.kubernetes.io/enforce=privileged, or set agent.enabled: false",
			},
		},
		{name: "an API server that no policy lets usher reach", args: []string{"--api-server-ports=443"}, code: 1, want: []string{
			"error    network policies: usher may reach the ports 443, and the API server listens at 6443; add it to networkPolicy.apiServer.ports",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := fmt.Sprint("preflight-", i)
			kubectl(t, "create", "namespace", in)
			if tt.setup != nil {
				tt.setup(t, in)
			}
			if tt.manifest != nil {
				apply(t, tt.manifest(t, in))
			}
			code, output := execute(t, usher, nil, append([]string{"preflight", "--kubeconfig", kubeconfig(t), "-n", in}, tt.args...)...)
			if code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			for _, want := range tt.want {
				if want = strings.ReplaceAll(want, "preflight", in); !strings.Contains(output, want) {
					t.Errorf("%s\nlacks %s", output, want)
				}
			}
		})
	}
}
