// Package repository runs commands of usher's own repository around the tests:
// builds its binaries and its manifests.
package repository

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Root is the folder that holds usher's go.mod.
func Root() string {
	_, thisFile, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(thisFile), "..", "..", "..")
}

// Run runs a command in the root of the repository and returns what it printed.
func Run(ctx context.Context, name string, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, arguments...)
	command.Dir = Root()
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", command, err, complaints.String())
	}
	return output, nil
}

// Build builds one of the binaries under cmd/ into folder.
func Build(ctx context.Context, folder, name string) (binary string, err error) {
	binary = filepath.Join(folder, name)
	_, err = Run(ctx, "go", "build", "-o", binary, "./cmd/"+name)
	return binary, err
}

// Manifests returns the objects of a kustomization under manifests/.
func Manifests(ctx context.Context, kustomization string) ([]*unstructured.Unstructured, error) {
	output, err := Run(ctx, "go", "tool", "-modfile=tools/go.mod", "kustomize", "build",
		filepath.Join("manifests", kustomization))
	if err != nil {
		return nil, err
	}
	return Decode(output)
}
