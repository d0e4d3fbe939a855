package gpunode

import (
	"context"
	"os"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
)

// crd validates GPUNodes as an API server does.
type crd struct {
	schema  validation.SchemaValidator
	rules   *cel.Validator
	structs *schema.Structural
}

func newCRD(t testing.TB) crd {
	t.Helper()
	text, err := os.ReadFile("../../manifests/crd/usher.dev_gpunodes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &definition); err != nil {
		t.Fatal(err)
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
		definition.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
		t.Fatal(err)
	}
	structs, err := schema.NewStructural(&props)
	if err != nil {
		t.Fatal(err)
	}
	validator, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		t.Fatal(err)
	}
	return crd{validator, cel.NewValidator(structs, true, celconfig.PerCallLimit), structs}
}

// refuses is what the API server would say against a GPUNode.
func (c crd) refuses(t testing.TB, n *v1alpha1.GPUNode) field.ErrorList {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(n)
	if err != nil {
		t.Fatal(err)
	}
	wrong := validation.ValidateCustomResource(nil, object, c.schema)
	byRules, _ := c.rules.Validate(context.Background(), nil, c.structs, object, nil, celconfig.RuntimeCELCostBudget)
	return append(wrong, byRules...)
}
