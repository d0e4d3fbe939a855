//go:build linux

package singlenode

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/node"
	"usher.dev/usher/test/e2e/repository"
)

// tag is that of the images that a cluster has from the start.
const tag = "devel"

// Prepare builds into a folder, where there still is a network, what Start needs:
// the images of usher and of kube-scheduler, helm and the programs of the control
// plane. It returns the environment that the namespaces need.
func Prepare(ctx context.Context, folder string) (environment []string, err error) {
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return nil, err
	}
	environment = []string{"USHER_CONTROL_PLANE=" + string(programs)}
	if _, err := node.PackPause(ctx, folder); err != nil {
		return environment, err
	}
	if err := packScheduler(ctx, folder, programs); err != nil {
		return environment, err
	}
	if err := PackUsher(ctx, filepath.Join(folder, tag), tag); err != nil {
		return environment, err
	}
	// For people and tests; usher-agent tells what GPUs there are not.
	for _, name := range []string{"usher", "usher-agent"} {
		if _, err := repository.Build(ctx, folder, name); err != nil {
			return environment, err
		}
	}
	_, err = repository.Run(ctx, "go", "build", "-modfile=tools/go.mod", "-o", filepath.Join(folder, "helm"), "helm.sh/helm/v4/cmd/helm")
	return environment, err
}

// PackUsher packs usher's images with a tag into the folder images below a folder.
func PackUsher(ctx context.Context, folder, tag string) error {
	_, err := repository.Run(ctx, "make", "--no-print-directory", "image", "BIN="+folder, "IMAGE_TAG="+tag, "VERSION="+tag)
	return err
}

// packScheduler packs kube-scheduler's image under the name that manifests know.
func packScheduler(ctx context.Context, folder string, programs controlplane.Programs) error {
	program := programs.Path("kube-scheduler")
	version, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return fmt.Errorf("ask kube-scheduler for its version: %w", err)
	}
	release := strings.TrimPrefix(strings.TrimSpace(string(version)), "Kubernetes ")
	_, err = node.Pack(ctx, folder, "registry.k8s.io/kube-scheduler:"+release, program, "/usr/local/bin/kube-scheduler")
	return err
}

// archives are the images in a folder, its own and those of usher's.
func archives(folder string) ([]string, error) {
	var all []string
	for _, pattern := range []string{"*.tar", filepath.Join(tag, "images", "*.tar")} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no images in %s: %w", folder, os.ErrNotExist)
	}
	return all, nil
}
