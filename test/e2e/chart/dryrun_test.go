package chart

import (
	"path/filepath"
	"testing"

	"usher.dev/usher/test/e2e/repository"
)

// TestEveryManifestIsAccepted lets the API server judge every object of every
// profile, hooks included, strictly: unknown fields are errors. The kinds of
// cert-manager are those of the release that go.mod names.
func TestEveryManifestIsAccepted(t *testing.T) {
	installCertManager(t, namespace)
	must(t, plane.ApplyYAML(t.Context(), "{apiVersion: v1, kind: Namespace, metadata: {name: "+namespace+"}}"))
	kubectl(t, "apply", "--server-side", "-k", filepath.Join(repository.Root(), "manifests/crd"))
	t.Cleanup(func() { remove(t, "", "-k", filepath.Join(repository.Root(), "manifests/crd")) })
	for _, profile := range []string{"cert-manager", "dev", "production"} {
		t.Run(profile, func(t *testing.T) {
			text := helmDoes(t, "template", "usher", chart, "-f", filepath.Join(chart, "profiles", profile+".yaml"),
				"--set", "scheduler.extender.tls=true", "--set", "tracing.endpoint=otel:4317", "--set", "webhook.clientCertificates.required=true")
			if _, complaint, err := plane.Kubectl(t.Context(), text, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"); err != nil || complaint != "" {
				t.Errorf("%v%s", err, complaint)
			}
		})
	}
}
