//go:build linux

package install_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
)

// certManagerModule is what package certmanager is built from.
const certManagerModule = "github.com/cert-manager/cert-manager"

// buildCertManager builds cert-manager's controllers, and copies its kinds, into a
// folder.
func buildCertManager(ctx context.Context, folder string) error {
	if _, err := repository.Run(ctx, "go", "-C", "test/e2e", "build", "-o", filepath.Join(folder, "certmanager"), "./certmanager"); err != nil {
		return err
	}
	source, err := repository.Run(ctx, "go", "-C", "test/e2e", "list", "-m", "-f", "{{.Dir}}", certManagerModule)
	if err != nil {
		return err
	}
	return os.CopyFS(filepath.Join(folder, "certmanager-crds"), os.DirFS(filepath.Join(strings.TrimSpace(string(source)), "deploy", "crds")))
}

// usher is installed with certificates that cert-manager makes and its injector makes
// known. What is left of usher's own is taken away first.
func TestCertificatesOfCertManagers(t *testing.T) {
	if missing != nil {
		t.Skip(missing)
	}
	createNamespace(t)
	kubectl(t, "delete", "secrets", "--namespace", systemNamespace, "--all")
	kubectl(t, "apply", "--server-side", "-f", filepath.Join(shared.Folder(), "certmanager-crds"))
	if err := shared.WaitForKinds(t.Context()); err != nil {
		t.Fatal(err)
	}
	controllers, err := controlplane.StartProcess("certmanager", filepath.Join(shared.Folder(), "certmanager.log"),
		filepath.Join(shared.Folder(), "certmanager"), "--kubeconfig="+filepath.Join(shared.Folder(), "admin.kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(controllers.Kill)
	helm(t, append([]string{"install", release}, chart("certificates.mode=cert-manager")...)...)
	expectParts(t, "devel")
	kubectl(t, "wait", "--for=condition=Ready", "--timeout=50s", "certificate", "--all", "--namespace", systemNamespace)
	await.Success(t, patience, "the injector has told the API server whom to trust", func() (any, error) {
		bundle, _, err := shared.Kubectl(t.Context(), "", "get", "validatingwebhookconfiguration", "usher-webhook", "-o", "jsonpath={.webhooks[*].clientConfig.caBundle}")
		if err == nil && bundle == "" {
			err = errors.New("nobody")
		}
		return nil, err
	})
	kubectl(t, "apply", "-f", sample("tenant"))
	kubectl(t, "wait", "--for=condition=Ready", "--timeout=50s", "tenant/"+tenant)
	expectRefused(t)
	helm(t, "uninstall", release, "--wait")
	awaitGone(t)
	expectUnregistered(t)
	// What cert-manager has made stays, and usher would not overwrite it.
	controllers.Kill()
	kubectl(t, "delete", "secrets", "--namespace", systemNamespace, "--all")
}
