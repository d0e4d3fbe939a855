package catalog

import (
	"strings"
	"testing"
	"testing/fstest"

	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/golden"
	"usher.dev/usher/policies"
)

// TestTheCommittedCatalogueIsTrue fails when the embedded policies have changed
// since docs/policies.md was made.
func TestTheCommittedCatalogueIsTrue(t *testing.T) {
	set, err := engine.Compile(config.Default(), policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(set.Policies(), policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "../../../../docs/policies.md", Markdown(loaded))
}

func TestMarkdown(t *testing.T) {
	source := fstest.MapFS{
		"sizes/sizes.rego": {Data: []byte(`# METADATA
# title: Sizes
# description: Containers are small. They really are.
# custom:
#   severity: low
#   checks:
#     size: a | b holds
#   parameters:
#     max: {description: the most, default: {a: "x|y"}}
package usher.sizes

deny contains {"check": "size", "msg": "x"} if false

patch contains {"op": "add", "path": "/a", "value": 1} if false
`)},
		"sizes/testdata/1-denied.txtar": {Data: []byte(`A <large> container
is denied.
-- object.yaml --
apiVersion: v1
kind: Pod
-- params.yaml --
max: {}
-- verdict.yaml --
deny:
  - {check: size, msg: "a < b", path: /spec}
  - {check: size, msg: whole}
`)},
		"sizes/testdata/2-mutated.txtar": {Data: []byte("A default is filled in.\n-- object.yaml --\napiVersion: v1\nkind: Pod\n-- verdict.yaml --\npatch:\n- {op: add, path: /a, value: 1}\n")},
		"sizes/testdata/3-warned.txtar":  {Data: []byte("A warning.\n-- object.yaml --\napiVersion: v1\nkind: Pod\n-- verdict.yaml --\nwarn:\n- {check: size, msg: take care}\naudit:\n- {check: size, msg: noted}\n")},
		"sizes/testdata/4-clean.txtar":   {Data: []byte("A small one.\n-- object.yaml --\napiVersion: v1\nkind: Pod\n-- verdict.yaml --\n{}\n")},
		"sizes/testdata/5-new.txtar":     {Data: []byte("No verdict yet.\n-- object.yaml --\napiVersion: v1\nkind: Pod\n")},
	}
	set, err := engine.Compile(config.Default(), source)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(set.Policies(), fstest.MapFS{"sizes/sizes.rego": source["sizes/sizes.rego"]}, source)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "catalog.md", Markdown(loaded))
}

func TestAFixtureThatIsBrokenIsNamed(t *testing.T) {
	source := fstest.MapFS{"a/a.rego": {}, "a/testdata/b.txtar": {Data: []byte("No object.\n")}}
	_, err := Load([]engine.Policy{{Name: "a"}}, source)
	if err == nil || !strings.Contains(err.Error(), "a/testdata/b.txtar: there is no -- object.yaml --") {
		t.Errorf("Load: %v", err)
	}
}
