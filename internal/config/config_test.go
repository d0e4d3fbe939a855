package config_test

import (
	"strings"
	"testing"

	"usher.dev/usher/internal/config"
)

func TestParseNamesEveryMistakeWithItsPath(t *testing.T) {
	for _, tt := range []struct {
		name, yaml string
		want       []string
	}{
		{"an empty file is the default", "", nil},
		{"a full file", `
apiVersion: usher.dev/v1alpha1
kind: AdmissionConfiguration
tenantLabel: example.com/tenant
policies: {resource_limits: {mode: warn, namespaceOverride: false, parameters: {max_cpu: "8"}}}
podTemplates: [{group: argoproj.io, kind: Rollout, paths: [spec.template]}]
`, nil},
		{"off without quotes, which YAML reads as false", "defaultMode: off\npolicies: {a: {mode: off}, b: {mode: Off}}", nil},
		{"true is no mode", "defaultMode: on", []string{"defaultMode"}},
		{"unknown fields", "tenantLable: x\npolicies: {a: {mod: warn}}", []string{`unknown field "tenantLable"`, `unknown field "policies.a.mod"`}},
		{"a key twice", "tenantLabel: x\ntenantLabel: y", []string{"already"}},
		{
			"wrong values", "apiVersion: v2\nkind: X\ndefaultMode: deny\npolicies: {a: {mode: block}}\nexemptNamespaces: [A_B]\npodTemplates: [{group: g, paths: [spec..x]}, {kind: K}]",
			[]string{"apiVersion: Unsupported", "kind: Unsupported", "defaultMode: Unsupported", "policies[a].mode: Unsupported", "exemptNamespaces[0]: Invalid", "podTemplates[0].kind: Required", "podTemplates[0].paths[0]: Invalid", "podTemplates[1].paths: Required"},
		},
		{"no YAML", "{", []string{"yaml"}},
		{"a wrong type", "policies: [a]", []string{"policies"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Parse([]byte(tt.yaml))
			if (err != nil) != (tt.want != nil) {
				t.Fatalf("error %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not contain %q:\n%v", want, err)
				}
			}
		})
	}
}
