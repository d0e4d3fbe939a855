package reads_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"usher.dev/usher/internal/engine/reads"
)

const library = `package usher.lib
lists := ["containers", "initContainers"]
limit(c, name) := c.resources.limits[name]
generic(object, key) := object[key]
`

func analyze(t *testing.T, body string) string {
	t.Helper()
	c, err := ast.CompileModules(map[string]string{
		"lib.rego": library,
		"p.rego":   "package usher.p\nimport data.usher.lib\n" + body,
	})
	if err != nil {
		t.Fatal(err)
	}
	return reads.Analyze(c, "Pod", ast.MustParseRef("data.usher.p.deny")).String()
}

func TestAnalyzeFindsThePathsThatARuleReads(t *testing.T) {
	for _, tt := range []struct {
		name, rego, want string
	}{
		{"a field that is compared", `deny contains "x" if input.pod.spec.hostNetwork == true`, "pod.spec.hostNetwork"},
		{"a field that only has to be there", `deny contains "x" if input.tenant`, "tenant"},
		{"a field that must not be there", `deny contains "x" if not input.pod.spec.hostname`, "pod.spec.hostname"},
		{
			"elements of constant lists", `deny contains i if {
				some list in lib.lists
				some i, c in input.pod.spec[list]
				c.securityContext.privileged == true
			}`,
			"pod.spec.containers.*.securityContext.privileged\npod.spec.initContainers.*.securityContext.privileged",
		},
		{
			"every key where the key is not known", `deny contains "x" if { some k, v in input.pod.metadata.labels; contains(k, "a") }`,
			"pod.metadata.labels.*?",
		},
		{
			"through a function", `deny contains "x" if { some c in input.pod.spec.containers; lib.limit(c, "cpu") == "1" }`,
			"pod.spec.containers.*.resources.limits.cpu",
		},
		{
			"through a negated helper", `
			_ok(c) if c.tty == true
			deny contains "x" if { some c in input.pod.spec.containers; not _ok(c) }`,
			"pod.spec.containers.*.tty",
		},
		{
			"a key that comes from the input", `deny contains "x" if input.pod.metadata.labels[input.params.key] == "x"`,
			"params.key.**\npod.metadata.labels.*",
		},
		{
			"two free keys that must be equal", `deny contains "x" if { input.a[k]; k == j; input.b[j] }`,
			"a.*\nb.*",
		},
		{
			"a key bound by taking a value apart", `deny contains "x" if { [k, _] = input.pair; object.get(input.a, k, false) }`,
			"a.**\npair.**",
		},
		{
			"object.get with a path", `deny contains "x" if object.get(input.pod, ["spec", "os", "name"], "") == "windows"`,
			"pod.spec.os.name",
		},
		{
			"the input's objects within the policy's own", `
			entries := [{"c": c, "i": i} | some i, c in input.pod.spec.containers]
			deny contains "x" if { some e in entries; e.c.image == "x"; e.i > 1 }`,
			"pod.spec.containers.*.image",
		},
		{
			"a set of objects compares them whole", `
			all contains c if some c in input.pod.spec.containers
			deny contains "x" if { some c in all; c.image == "x" }`,
			"pod.spec.containers.*.**",
		},
		{
			"two values that are compared", `deny contains "x" if { x := input.a.b; x == input.c.d }`,
			"a.b.**\nc.d.**",
		},
		{
			"an alias is not a comparison", `deny contains "x" if { x := object.get(input, "a", {}); y := x; y.b == 1 }`,
			"a.b",
		},
		{
			"every element", `deny contains "x" if { every v in input.pod.spec.volumes { v.emptyDir } }`,
			"pod.spec.volumes.*.emptyDir",
		},
		{"how many, not which", `deny contains "x" if count(input.pod.spec.containers) > 3`, "pod.spec.containers.*?"},
		{
			"a generic accessor mixes what its callers pass", `deny contains "x" if { lib.generic(input.a, "x") == 1; lib.generic(input.b, "y") == 1 }`,
			"a.x\na.y\nb.x\nb.y",
		},
		{"a changed input counts as everything", `
			_x if input.a
			deny contains "x" if _x with input as {"a": input.b}`, "**"},
		{"a package that the input chooses counts as everything", `deny contains "x" if data.usher.lib[input.x]`, "**"},
		{
			"an else branch", `
			_f(c) := c.a if c.b == 1
			else := c.d
			deny contains "x" if _f(input.pod) == 2`, "pod.a\npod.b\npod.d",
		},
		{
			"keys that begin with a text", `deny contains v if { some k, v in input.pod.metadata.labels; startswith(k, "usher.dev/"); v != "x" }`,
			"pod.metadata.labels.usher.dev/*.**",
		},
		{
			"keys that begin with a text in a comprehension",
			`deny contains "x" if count([k | some k, _ in input.a; startswith(k, "b")]) > 1`, "a.b*?",
		},
		{
			"keys that begin with a text in one branch only",
			`deny contains "x" if { some k, v in input.a; _f(k, v) }
			_f(k, _) if startswith(k, "b")
			_f(_, v) if v == 1`, "a.*",
		},
		{
			"keys that begin with a text, or not", `deny contains "x" if { some k, v in input.a; not startswith(k, "b"); v == 1 }`, "a.*",
		},
		{
			"prefixes and names of one object", `
			deny contains "x" if { some k, v in input.a; startswith(k, "b"); v.c == 1 }
			deny contains "y" if { some k, v in input.a; startswith(k, "bb"); v.d == 1 }
			deny contains "z" if input.a.bbb.e == 1`,
			"a.bbb.c\na.bbb.d\na.bbb.e\na.b*.c\na.bb*.c\na.bb*.d",
		},
		{
			"a rule for another kind", `
			deny contains v if { input.request.kind.kind == "Namespace"; some v in _labels }
			_labels contains v if some v in input.request.object.metadata.labels
			deny contains "x" if { input.request.kind.kind == "Pod"; input.pod.spec.hostIPC }`,
			"pod.spec.hostIPC\nrequest.kind.kind",
		},
		{
			"a rule for other kinds", `
			deny contains v if { input.request.kind.kind in {"Namespace", "Role"}; some v in input.request.object.metadata.labels }
			deny contains v if { some v in _change.new }
			_change := {"new": input.request.object} if { input.request.kind.kind in {"Namespace"} }
			deny contains "x" if { input.request.kind.kind in {"Binding", "Pod"}; input.pod.spec.hostIPC }`,
			"pod.spec.hostIPC\nrequest.kind.kind",
		},
		{
			"rules that rest on one for other kinds", `
			deny contains v if { _is_claim; some v in _labels }
			_labels contains v if { _is_claim; some v in input.request.object.metadata.labels }
			_is_claim if { input.request.kind.group == "resource.k8s.io"; input.request.kind.kind in {"Claim", "Template"} }
			_is_claim if input.request.kind.kind == "OldClaim"
			deny contains "x" if { not _is_claim; input.a }`,
			"a\nrequest.kind.kind?",
		},
		{
			"rules that rest on one that may hold after all", `
			deny contains "x" if { _by_default; input.a }
			default _by_default := true
			_by_default := false if input.request.kind.kind == "Claim"
			deny contains "y" if { _or_else; input.b }
			_or_else if { input.request.kind.kind == "Claim" } else := input.c
			deny contains "z" if { _also_pods; input.d }
			_also_pods if input.request.kind.kind == "Claim"
			_also_pods if input.e`,
			"a\nb\nc\nd\ne\nrequest.kind.kind?",
		},
		{
			"a rule for all kinds but some", `deny contains "x" if { not input.request.kind.kind in {"Namespace"}; input.a }`,
			"a\nrequest.kind.kind",
		},
		{
			"kinds that the input names", `deny contains "x" if { input.request.kind.kind in input.params.kinds; input.a }`,
			"a\nparams.kinds.**\nrequest.kind.kind.**",
		},
		{
			"another field among kinds", `deny contains "x" if { input.request.kind.group in {"Namespace"}; input.a }`,
			"a\nrequest.kind.group",
		},
		{
			"a rule for every kind but one", `deny contains "x" if { not input.request.kind.kind == "Namespace"; input.a }`,
			"a\nrequest.kind.kind",
		},
		{"one of several constants", `deny contains "x" if { some v in input.list; v in {"a", "b"} }`, "list.*"},
		{"one of several values of the input", `deny contains "x" if input.x in input.list`, "list.**\nx.**"},
		{"a constant among values of the input", `deny contains "x" if "ALL" in input.list`, "list.*"},
		{
			"only that a value is there", `deny contains k if { some k, _ in input.a }`, "a.*?",
		},
		{
			"a function's result that is tested", `
			_f(x) := x.y
			deny contains "x" if _f(input.a)`, "a.y",
		},
		{"null or not", `deny contains "x" if { some c in input.pod.spec.containers; c != null }`, "pod.spec.containers.*"},
		{"an empty object is compared whole", `deny contains "x" if input.a == {}`, "a.**"},
		{
			"a template string", `deny contains msg if { x := input.a.b; msg := $"is {x}" }`, "a.b.**",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, analyze(t, tt.rego)); diff != "" {
				t.Error("paths read (-want +got):\n" + diff)
			}
		})
	}
}
