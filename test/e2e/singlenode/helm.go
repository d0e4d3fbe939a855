//go:build linux

package singlenode

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"usher.dev/usher/test/e2e/repository"
)

// Chart is usher's chart.
func Chart() string { return filepath.Join(repository.Root(), "manifests", "chart") }

// Helm runs helm as the cluster's administrator and returns what it printed.
func (c *Cluster) Helm(ctx context.Context, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(c.folder, "helm"), arguments...)
	command.Env = append(command.Environ(),
		"KUBECONFIG="+filepath.Join(c.folder, "admin.kubeconfig"),
		"HELM_CACHE_HOME="+filepath.Join(c.folder, "helm-cache"),
		"HELM_CONFIG_HOME="+filepath.Join(c.folder, "helm-config"),
		"HELM_DATA_HOME="+filepath.Join(c.folder, "helm-data"),
	)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		err = fmt.Errorf("helm %s: %w: %s%s", strings.Join(arguments, " "), err, complaints.String(), output)
	}
	return string(output), err
}
