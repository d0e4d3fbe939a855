package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"usher.dev/usher/test/e2e/repository"
)

// Programs is the folder of the programs that a control plane consists of.
type Programs string

// Path returns where a program is.
func (p Programs) Path(name string) string { return filepath.Join(string(p), name) }

// FindPrograms returns the folder that USHER_CONTROL_PLANE names. Without it, it
// asks the repository's tools/control-plane for the folder, which builds what is
// missing: minutes once, nothing afterwards.
func FindPrograms(ctx context.Context) (Programs, error) {
	folder := os.Getenv("USHER_CONTROL_PLANE")
	if folder == "" {
		var err error
		if folder, err = buildPrograms(ctx); err != nil {
			return "", err
		}
	}
	found := Programs(folder)
	var missing []error
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if _, err := os.Stat(found.Path(name)); err != nil {
			missing = append(missing, err)
		}
	}
	return found, errors.Join(missing...)
}

func buildPrograms(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, filepath.Join(repository.Root(), "tools", "control-plane"), filepath.Join(cache, "usher"))
	build.Stderr = os.Stderr
	folder, err := build.Output()
	if err != nil {
		return "", fmt.Errorf("build the control plane: %w", err)
	}
	return strings.TrimSpace(string(folder)), nil
}
