// Package repository runs commands of usher's own repository around the tests:
// builds its binaries and its manifests, of the working tree or of an earlier
// commit.
package repository

import (
	"context"
	"path/filepath"
	"runtime"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Root is the folder that holds usher's go.mod.
func Root() string {
	_, thisFile, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(thisFile), "..", "..", "..")
}

// Working is the working tree that the tests are in.
func Working() Tree { return Tree(Root()) }

// Run runs a command in the root of the repository and returns what it printed.
func Run(ctx context.Context, name string, arguments ...string) ([]byte, error) {
	return Working().Run(ctx, name, arguments...)
}

// Build builds one of the binaries under cmd/ into folder.
func Build(ctx context.Context, folder, name string) (binary string, err error) {
	return Working().Build(ctx, folder, name)
}

// Manifests returns the objects of a kustomization under manifests/.
func Manifests(ctx context.Context, kustomization string) ([]*unstructured.Unstructured, error) {
	return Working().Manifests(ctx, kustomization)
}
