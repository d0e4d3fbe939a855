package compat

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestSchemasOnlyGrow: whatever the other version stores, or is sent by a client
// that knows it, is valid here.
func TestSchemasOnlyGrow(t *testing.T) {
	now := map[string]apiextensionsv1.CustomResourceDefinition{}
	build := exec.CommandContext(t.Context(), "go", "tool", "-modfile=tools/go.mod", "kustomize", "build", "manifests/crd")
	build.Dir = filepath.Join("..", "..")
	kinds, err := build.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objectsIn(t, kinds) {
		now[object.GetName()] = definition(t, object.Object)
	}
	for _, object := range recorded(t, "crds.yaml") {
		t.Run(object.GetName(), func(t *testing.T) {
			was, is := definition(t, object.Object), now[object.GetName()]
			if was.Spec.Scope != is.Spec.Scope || was.Spec.Names.Kind != is.Spec.Names.Kind || was.Spec.Names.Plural != is.Spec.Names.Plural {
				t.Errorf("it was %+v, %s, and is %+v, %s", was.Spec.Names, was.Spec.Scope, is.Spec.Names, is.Spec.Scope)
			}
			for _, version := range was.Spec.Versions {
				i := slices.IndexFunc(is.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool { return v.Name == version.Name })
				switch {
				case i < 0:
					t.Errorf("version %s is gone, and objects are stored in it", version.Name)
					continue
				case version.Served && !is.Spec.Versions[i].Served:
					t.Errorf("version %s is not served any more, and the other version asks for it", version.Name)
				case (version.Subresources == nil) != (is.Spec.Versions[i].Subresources == nil):
					t.Errorf("version %s gained or lost its status", version.Name)
				}
				for _, problem := range narrowed("", version.Schema.OpenAPIV3Schema, is.Spec.Versions[i].Schema.OpenAPIV3Schema) {
					t.Error(problem)
				}
			}
		})
	}
}

func definition(t *testing.T, object map[string]any) (crd apiextensionsv1.CustomResourceDefinition) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, &crd); err != nil {
		t.Fatal(err)
	}
	return crd
}
