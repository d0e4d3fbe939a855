package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Programs are the paths of the programs that a control plane consists of.
type Programs struct {
	Etcd      string
	APIServer string
	Kubectl   string
}

// FindPrograms returns the programs in the folder that USHER_CONTROL_PLANE
// names. Without it, it asks the repository's tools/control-plane for the
// folder, which builds what is missing: minutes once, nothing afterwards.
func FindPrograms(ctx context.Context, repository string) (Programs, error) {
	folder := os.Getenv("USHER_CONTROL_PLANE")
	if folder == "" {
		var err error
		if folder, err = buildPrograms(ctx, repository); err != nil {
			return Programs{}, err
		}
	}
	found := Programs{
		Etcd:      filepath.Join(folder, "etcd"),
		APIServer: filepath.Join(folder, "kube-apiserver"),
		Kubectl:   filepath.Join(folder, "kubectl"),
	}
	var missing []error
	for _, program := range []string{found.Etcd, found.APIServer, found.Kubectl} {
		if _, err := os.Stat(program); err != nil {
			missing = append(missing, err)
		}
	}
	return found, errors.Join(missing...)
}

func buildPrograms(ctx context.Context, repository string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, filepath.Join(repository, "tools", "control-plane"), filepath.Join(cache, "usher"))
	build.Stderr = os.Stderr
	folder, err := build.Output()
	if err != nil {
		return "", fmt.Errorf("build the control plane: %w", err)
	}
	return strings.TrimSpace(string(folder)), nil
}
