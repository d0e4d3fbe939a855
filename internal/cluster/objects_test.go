package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/cluster"
)

func objects(t testing.TB, yaml string) *cluster.Objects {
	t.Helper()
	o := cluster.NewObjects()
	if err := o.AddYAML([]byte(yaml)); err != nil {
		t.Fatal(err)
	}
	return o
}

func labelsOf(t testing.TB, o *cluster.Objects, name string) map[string]any {
	t.Helper()
	ns, err := o.Namespace(t.Context(), name)
	if err != nil || ns == nil {
		t.Fatalf("namespace %s: %v, %v", name, ns, err)
	}
	labels, _ := ns["metadata"].(map[string]any)["labels"].(map[string]any)
	return labels
}

func TestNamespacesAreAsTheAPIServerKeepsThem(t *testing.T) {
	o := objects(t, `
apiVersion: v1
kind: Namespace
metadata: {name: team, labels: {tenant: a}}
---
# a comment alone
---
apiVersion: v1
kind: Namespace
metadata: {name: plain}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: passed-over}
`)
	for name, want := range map[string]map[string]any{
		"team":        {"tenant": "a", "kubernetes.io/metadata.name": "team"},
		"plain":       {"kubernetes.io/metadata.name": "plain"},
		"in-no-file":  {"kubernetes.io/metadata.name": "in-no-file"},
		"passed-over": {"kubernetes.io/metadata.name": "passed-over"},
	} {
		if diff := cmp.Diff(want, labelsOf(t, o, name)); diff != "" {
			t.Errorf("labels of %s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTenantsGetTheDefaultsOfTheCRD(t *testing.T) {
	o := objects(t, `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: a}
spec:
  nodePool: {taint: {key: pool}}
  parameters: {resource_limits: {max_cpu: "4"}}
---
{"apiVersion": "usher.dev/v1alpha1", "kind": "Tenant", "metadata": {"name": "b"}}
`)
	tenant, err := o.Tenant(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"nodePool":   map[string]any{"isolation": "Hard", "taint": map[string]any{"key": "pool", "effect": "NoSchedule"}},
		"parameters": map[string]any{"resource_limits": map[string]any{"max_cpu": "4"}},
	}
	if diff := cmp.Diff(want, tenant["spec"]); diff != "" {
		t.Error("spec (-want +got):\n" + diff)
	}
	if b, err := o.Tenant(t.Context(), "b"); err != nil || b == nil {
		t.Errorf("tenant of JSON: %v, %v", b, err)
	}
	if nobody, err := o.Tenant(t.Context(), "nobody"); nobody != nil || err != nil {
		t.Errorf("a tenant in no file: %v, %v", nobody, err)
	}
}

func TestListsAreTakenApart(t *testing.T) {
	o := objects(t, `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: team, labels: {tenant: a}}}
- {apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: a}}
`)
	if labelsOf(t, o, "team")["tenant"] != "a" {
		t.Error("the namespace of a list is not there")
	}
	if tenant, _ := o.Tenant(t.Context(), "a"); tenant == nil {
		t.Error("the tenant of a list is not there")
	}
}

func TestObjectsThatAreWrongAreRefusedWithTheirPlace(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"no YAML", "{", "yaml"},
		{"a list at the top", "- a", "cannot unmarshal array"},
		{"an unknown field of a Tenant", "apiVersion: usher.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\nspec: {nodePool: {tiant: {}}}", `Tenant a: unknown field "spec.nodePool.tiant"`},
		{"an unknown field of a Namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, lables: {}}", `Namespace a: unknown field "metadata.lables"`},
		{"a label that is no text", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {tenant: 1}}", "Namespace a:"},
		{"a key twice", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\nmetadata: {name: b}", "already"},
		{"a Tenant without a name", "apiVersion: usher.dev/v1alpha1\nkind: Tenant\nspec: {}", "a Tenant has no metadata.name"},
		{"a Namespace without a name", "apiVersion: v1\nkind: Namespace", "a Namespace has no metadata.name"},
		{"an item of a list", "kind: List\nitems: [{apiVersion: v1, kind: Namespace}]", "items[0]: a Namespace has no metadata.name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := cluster.NewObjects().AddYAML([]byte(tt.yaml))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLoadReadsEveryFileOfAFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	namespace := func(name string) string {
		return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", labels: {in: a-file}}\n"
	}
	write("one.yaml", namespace("one"))
	write("below/two.yml", namespace("two"))
	write("below/further/three.json", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"three","labels":{"in":"a-file"}}}`)
	write("README.md", "no objects: {")
	// As the kubelet mounts a ConfigMap.
	write("..2026/four.yaml", namespace("four"))
	if err := os.Symlink("..2026/four.yaml", filepath.Join(dir, "four.yaml")); err != nil {
		t.Fatal(err)
	}
	o, err := cluster.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two", "three", "four"} {
		if labelsOf(t, o, name)["in"] != "a-file" {
			t.Errorf("namespace %s was not read", name)
		}
	}
	write("broken.yaml", "{")
	if _, err := cluster.Load(dir); err == nil || !strings.Contains(err.Error(), "read objects:") || !strings.Contains(err.Error(), "broken.yaml") {
		t.Error("error", err)
	}
	if _, err := cluster.Load(filepath.Join(dir, "nothing")); err == nil {
		t.Error("a folder that is not there")
	}
}

// names are those of objects, in their order.
func names(objects []map[string]any) []string {
	out := []string{}
	for _, o := range objects {
		name, _ := o["metadata"].(map[string]any)["name"].(string)
		out = append(out, name)
	}
	return out
}

func TestAllTenantsComeInOrderOfTheirNames(t *testing.T) {
	o := objects(t, `
{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: b}}
---
{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: c}, status: {conditions: [{type: Accepted, status: "False", reason: x, message: "", lastTransitionTime: null}]}}
---
{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: a}}
`)
	tenants, err := o.Tenants(t.Context())
	if diff := cmp.Diff([]string{"a", "b", "c"}, names(tenants)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if tenants, err := objects(t, "").Tenants(t.Context()); len(tenants) != 0 || err != nil {
		t.Errorf("without any: %v, %v", tenants, err)
	}
}
