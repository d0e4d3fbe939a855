package repository

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Tree is a folder that holds usher as of some commit.
type Tree string

// Run runs a command in the tree's root and returns what it printed.
func (t Tree) Run(ctx context.Context, name string, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, arguments...)
	command.Dir = string(t)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", command, err, complaints.String())
	}
	return output, nil
}

// Build builds one of the binaries under cmd/ into folder.
func (t Tree) Build(ctx context.Context, folder, name string) (binary string, err error) {
	binary = filepath.Join(folder, name)
	_, err = t.Run(ctx, "go", "build", "-trimpath", "-o", binary, "./cmd/"+name)
	return binary, err
}

// Manifests returns the objects of a kustomization under manifests/.
func (t Tree) Manifests(ctx context.Context, kustomization string) ([]*unstructured.Unstructured, error) {
	output, err := t.Run(ctx, "go", "tool", "-modfile=tools/go.mod", "kustomize", "build", filepath.Join("manifests", kustomization))
	if err != nil {
		return nil, err
	}
	return Decode(output)
}

// Path is where a file of the tree is.
func (t Tree) Path(name string) string { return filepath.Join(string(t), name) }

// Decoded returns the objects of a YAML file of the tree.
func (t Tree) Decoded(name string) ([]*unstructured.Unstructured, error) {
	content, err := os.ReadFile(t.Path(name))
	if err != nil {
		return nil, err
	}
	return Decode(content)
}
