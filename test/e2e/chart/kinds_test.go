package chart

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/repository"
)

// certManagerKinds are the CRDs that usher has objects of.
var certManagerKinds = []string{"cert-manager.io_certificates.yaml", "cert-manager.io_issuers.yaml"}

// installCertManager installs the kinds of the cert-manager that go.mod names.
func installCertManager(t *testing.T, _ string) {
	t.Helper()
	output, err := repository.Run(t.Context(), "go", "mod", "download", "-json", "github.com/cert-manager/cert-manager")
	must(t, err)
	var module struct{ Dir string }
	must(t, json.Unmarshal(output, &module))
	for _, file := range certManagerKinds {
		path := filepath.Join(module.Dir, "deploy", "crds", file)
		kubectl(t, "apply", "--server-side", "-f", path)
		t.Cleanup(func() { remove(t, "", "--wait=false", "-f", path) })
	}
	established(t)
}

// reinstallCertManager installs the kinds anew: what is about to go is not served for
// long.
func reinstallCertManager(t *testing.T, in string) {
	t.Helper()
	withoutCertManager(t, in)
	installCertManager(t, in)
}

// withoutCertManager waits until the kinds that an earlier test installed are gone,
// which the API server does in its own time.
func withoutCertManager(t *testing.T, _ string) {
	t.Helper()
	await.Success(t, 3*time.Minute, "cert-manager's kinds are gone", func() (struct{}, error) {
		left, _, err := plane.Kubectl(t.Context(), "", "get", "crd", "-o", "name")
		if err == nil && strings.Contains(left, "cert-manager.io") {
			err = errors.New(left)
		}
		return struct{}{}, err
	})
}

// established waits until the API server serves all kinds.
func established(t *testing.T) {
	t.Helper()
	await.Success(t, patience, "kinds are served", func() (string, error) {
		output, _, err := plane.Kubectl(t.Context(), "", "wait", "--for=condition=Established", "--timeout=10s", "crd", "--all")
		return output, err
	})
}
