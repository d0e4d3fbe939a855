package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// repository is where usher's own sources are, seen from this folder.
var repository = filepath.Join("..", "..")

// runInRepository runs a command in the root of the repository and returns what
// it printed.
func runInRepository(ctx context.Context, name string, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, arguments...)
	command.Dir = repository
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", command, err, complaints.String())
	}
	return output, nil
}

// buildManifests returns the objects of a kustomization under manifests/.
func buildManifests(ctx context.Context, kustomization string) ([]*unstructured.Unstructured, error) {
	output, err := runInRepository(ctx, "go", "tool", "-modfile=tools/go.mod", "kustomize", "build",
		filepath.Join("manifests", kustomization))
	if err != nil {
		return nil, err
	}
	return decodeObjects(output)
}

// decodeObjects reads YAML documents.
func decodeObjects(documents []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(documents), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// encodeObjects writes objects as one List, which kubectl reads.
func encodeObjects(objects ...*unstructured.Unstructured) (string, error) {
	list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "List"}}
	for _, object := range objects {
		list.Items = append(list.Items, *object)
	}
	encoded, err := list.MarshalJSON()
	return string(encoded), err
}
