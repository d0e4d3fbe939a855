package engine

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/verdict"
)

func TestCompileNamesWhatIsWrong(t *testing.T) {
	const good = `deny contains {"check": "a", "msg": "x"} if input.pod.spec.hostNetwork`
	withParameters := strings.Replace(policyText("a", good), "#   checks:", "#   parameters:\n#     most: {description: how many, default: 3}\n#     names: {description: which, default: []}\n#   checks:", 1)
	for _, tt := range []struct {
		name, config, rego string
		want               []string
	}{
		{"a good policy", "", policyText("a", good), nil},
		{"text that is no Rego", "", "package usher.a\n\ndeny contains", []string{"a/a.rego:", "rego_parse_error"}},
		{"an empty file", "", "", []string{"a/a.rego", "empty module"}},
		{"a variable that nothing binds", "", policyText("a", `deny contains {"check": "a", "msg": x}`), []string{"a/a.rego:8", "var x is unsafe"}},
		{"a reference to a rule that is not there", "", policyText("a", "import data.usher.lib.b\n\ndeny contains {\"check\": \"a\", \"msg\": \"x\"} if b.nothing"), []string{"a/a.rego:10", "nothing defines data.usher.lib.b.nothing"}},
		{"an unknown rule in a function's argument", "", policyText("a", "_f(x) := x\n\ndeny contains {\"check\": \"a\", \"msg\": \"x\"} if _f(data.usher.a.nothing)"), []string{"nothing defines data.usher.a.nothing"}},
		{"data that OPA would load", "", policyText("a", "deny contains {\"check\": \"a\", \"msg\": \"x\"} if data.allowed[input.pod.spec.hostname]"), []string{"nothing defines data.allowed"}},
		{"a whole package", "", policyText("a", "_one := 1\n\ndeny contains {\"check\": \"a\", \"msg\": \"x\"} if data.usher.a[input.pod.spec.hostname]"), []string{"rego_recursion_error"}},
		{"a rule that is chosen by the input", "", policyText("a", "_one := {\"x\": {\"deeper\": 1}}\n\ndeny contains {\"check\": \"a\", \"msg\": \"x\"} if data.usher.a._one[input.pod.spec.hostname].deeper"), nil},
		{"an import that is not used", "", policyText("a", "import data.usher.lib.b\n\n"+good), []string{"a/a.rego:8", "import data.usher.lib.b unused"}},
		{"recursion", "", policyText("a", "_f := _g\n\n_g := _f\n\n"+good), []string{"rego_recursion_error"}},
		{"no METADATA", "", "package usher.a\n\n" + good, []string{"policy a: no METADATA block at package scope"}},
		{"METADATA without a title", "", strings.Replace(policyText("a", good), "# title: a\n", "", 1), []string{"policy a: METADATA has no title"}},
		{"METADATA without checks", "", "# METADATA\n# title: a\npackage usher.a\n\n" + good, []string{"policy a: METADATA has no custom.checks"}},
		{"METADATA with a field that nothing reads", "", strings.Replace(policyText("a", good), "#   checks:", "#   sevrity: low\n#   checks:", 1), []string{"policy a: METADATA custom:", `unknown field "sevrity"`}},
		{"another package", "", strings.Replace(policyText("a", good), "usher.a", "kubernetes.admission", 1), []string{"a/a.rego: package kubernetes.admission: a policy is package usher.<name>"}},
		{"a package below a policy", "", strings.Replace(policyText("a", good), "usher.a", "usher.a.b", 1), []string{"package usher.a.b"}},
		{"a package named lib", "", strings.Replace(policyText("a", good), "usher.a", "usher.lib", 1), []string{"package usher.lib:"}},
		{"a name in camel case", "", strings.Replace(policyText("a", good), "usher.a", "usher.hostNetwork", 1), []string{"policy hostNetwork: a policy's name is lower case words"}},
		{"no rule that is read", "", policyText("a", "denies := 1"), []string{"policy a: has none of the rules deny, warn, audit, patch and deny_reservation"}},
		{"a rule that is no set", "", policyText("a", "deny := false"), []string{"policy a: rule deny at a/a.rego:8 is not a set: write `deny contains …`"}},
		{"a rule that is an object", "", policyText("a", `warn[x] := y if some x, y in input.pod`), []string{"rule warn at a/a.rego:8 is not a set"}},
		{"a policy that is configured and not there", "policies: {b: {mode: off}}", policyText("a", good), []string{"policies.b: there is no such policy"}},
		{"a library that is configured", "policies: {lib.b: {mode: off}}", policyText("a", good), []string{"policies.lib.b: there is no such policy"}},
		{"an unknown parameter", "policies: {a: {parameters: {mots: 1}}}", withParameters, []string{`policy a: policy a has no parameter "mots"; it has [most names]`}},
		{"a parameter of another type", `policies: {a: {parameters: {most: "3", names: {}}}}`, withParameters, []string{`parameter "most" of policy a is string, want number`, `parameter "names" of policy a is object, want array`}},
		{"an unknown parameter of a policy without any", "policies: {a: {parameters: {most: 1}}}", policyText("a", good), []string{`has no parameter "most"; it has []`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile(configuration(t, tt.config), folder(map[string]string{"a": tt.rego}))
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

func TestCompileNamesEveryMistakeAtOnce(t *testing.T) {
	_, err := Compile(configuration(t, "policies: {nothing: {mode: off}}"), folder(map[string]string{
		"a": policyText("a", "x := 1"), "b": policyText("b", "deny := 1"),
	}))
	for _, want := range []string{"policy a:", "policy b:", "policies.nothing:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not contain %q:\n%v", want, err)
		}
	}
}

func TestPoliciesDescribesTheSetInOrder(t *testing.T) {
	text := `# METADATA
# title: Host network
# description: Pods keep to their own.
# custom:
#   severity: high
#   checks: {host-network: off}
#   parameters: {but_for: {description: whom not, default: [a]}}
package usher.host_network

deny contains {"check": "host-network", "msg": "x"} if input.pod.spec.hostNetwork == true

patch contains {"op": "add", "path": "/spec/x", "value": 1}
`
	set := compiled(t, "policies: {host_network: {mode: warn}}", map[string]string{"z": policyText("z", simpleAs("z")), "host_network": text})
	want := Policy{
		Name: "host_network", Title: "Host network", Description: "Pods keep to their own.", Severity: "high", Mutates: true, Mode: "warn",
		Checks:     map[string]string{"host-network": "off"},
		Parameters: map[string]Parameter{"but_for": {Description: "whom not", Default: []any{"a"}}},
		Reads:      set.policies[0].judge.reads.String(),
	}
	got := set.Policies()
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error("description (-want +got):\n" + diff)
	}
	if len(got) != 2 || got[1].Name != "z" {
		t.Errorf("policies %+v", got)
	}
	if !strings.Contains(got[0].Reads, "hostNetwork") {
		t.Errorf("reads %q", got[0].Reads)
	}
}

func simpleAs(name string) string { return strings.Replace(simple, "simple", name, 1) }

func TestDigestChangesWithWhateverChangesAVerdict(t *testing.T) {
	text := func(most int, message string) string {
		return strings.Replace(policyText("a", fmt.Sprintf(`deny contains {"check": "a", "msg": %q} if input.params.most`, message)),
			"#   checks:", fmt.Sprintf("#   parameters: {most: {description: how many, default: %d}}\n#   checks:", most), 1)
	}
	digests := map[string]string{}
	for _, tt := range []struct {
		name, config string
		fsys         fstest.MapFS
	}{
		{"as it was", "", folder(map[string]string{"a": text(1, "x")})},
		{"another message", "", folder(map[string]string{"a": text(1, "y")})},
		{"another default", "", folder(map[string]string{"a": text(2, "x")})},
		{"another policy beside it", "", folder(map[string]string{"a": text(1, "x"), "b": policyText("b", simpleAs("b"))})},
		{"another mode", "policies: {a: {mode: warn}}", folder(map[string]string{"a": text(1, "x")})},
		{"another parameter", "policies: {a: {parameters: {most: 5}}}", folder(map[string]string{"a": text(1, "x")})},
		{"no override by namespaces", "policies: {a: {namespaceOverride: false}}", folder(map[string]string{"a": text(1, "x")})},
		{"another tenant label", "tenantLabel: team", folder(map[string]string{"a": text(1, "x")})},
	} {
		set, err := Compile(configuration(t, tt.config), tt.fsys)
		if err != nil {
			t.Fatal(tt.name, err)
		}
		if same, ok := digests[set.Digest()]; ok {
			t.Errorf("%s and %s have the same digest", same, tt.name)
		}
		digests[set.Digest()] = tt.name
		for range 3 {
			again, err := Compile(configuration(t, tt.config), tt.fsys)
			if err != nil || again.Digest() != set.Digest() {
				t.Errorf("%s: another digest for the same: %v", tt.name, err)
			}
		}
	}
}

// verdictsOf asks a set with several findings and patches and writes down all
// that it says.
func verdictsOf(t testing.TB) string {
	t.Helper()
	set := compiled(t, "", map[string]string{
		"many": policyText("many", `deny contains {"check": "many", "msg": sprintf("%v", [l]), "path": sprintf("/metadata/labels/%s", [k])} if some k, l in input.pod.metadata.labels

warn contains {"check": "many", "msg": k} if some k, _ in input.pod.metadata.labels`),
		"adds": policyText("adds", `patch contains {"op": "add", "path": sprintf("/spec/%s", [k]), "value": {"b": l, "a": 1}} if some k, l in input.pod.metadata.labels`),
		"errs": policyText("errs", `deny contains {"check": "errs", "msg": to_number(l)} if some l in input.pod.metadata.labels`),
	})
	labels := map[string]any{}
	for i := range 40 {
		labels[fmt.Sprintf("l%d", i)] = fmt.Sprintf("v%d", 40-i)
	}
	in := podInput(labels, map[string]any{})
	ctx := within(t, time.Minute)
	raw, err := json.Marshal([]any{set.Digest(), summary(set.Validate(ctx, in)), set.Mutate(ctx, in)})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

const inChild = "USHER_TEST_PRINT_VERDICTS"

func TestTheSameInputGetsTheSameAnswerInEveryRunAndProcess(t *testing.T) {
	want := verdictsOf(t)
	if os.Getenv(inChild) != "" {
		fmt.Println(want)
		return
	}
	var runs sync.WaitGroup
	for range 4 {
		runs.Go(func() {
			for range 5 {
				if got := verdictsOf(t); got != want {
					t.Error("differs (-first +now):\n" + cmp.Diff(want, got))
				}
			}
		})
	}
	runs.Wait()
	for range 3 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		child.Env = append(os.Environ(), inChild+"=1")
		out, err := child.Output()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("another process says\n%s\nwant\n%s", out, want)
		}
	}
}

func TestMutateAppliesEachPolicyOnWhatTheOnesBeforeMade(t *testing.T) {
	set := compiled(t, "", map[string]string{
		"a_first":  policyText("a_first", `patch contains {"op": "add", "path": "/spec/list", "value": ["a"]}`),
		"b_breaks": policyText("b_breaks", `patch contains {"op": "remove", "path": "/spec/nothing"}`),
		"c_second": policyText("c_second", `patch contains {"op": "add", "path": "/spec/list/-", "value": count(input.pod.spec.list)}`),
		"d_off":    policyText("d_off", `patch contains {"op": "add", "path": "/spec/off", "value": true}`),
	})
	in := podInput(nil, map[string]any{})
	in.Namespace = map[string]any{"metadata": map[string]any{"labels": map[string]any{ModeLabelPrefix + "d_off": "warn"}}}
	got := set.Mutate(within(t, time.Minute), in)
	want := []verdict.Operation{
		{Op: "add", Path: "/spec/list", Value: []any{"a"}},
		{Op: "add", Path: "/spec/list/-", Value: json.Number("1")},
	}
	if diff := cmp.Diff(want, got.Operations); diff != "" {
		t.Error("operations (-want +got):\n" + diff)
	}
	if diff := cmp.Diff(map[string]any{"list": []any{"a", json.Number("1")}}, got.Pod["spec"]); diff != "" {
		t.Error("pod (-want +got):\n" + diff)
	}
	if len(got.Results) != 1 || got.Results[0].Policy != "b_breaks" || got.Results[0].Err == nil {
		t.Errorf("failed: %+v", got.Results)
	}
	if spec := in.Pod["spec"].(map[string]any); len(spec) != 0 {
		t.Error("the input was changed:", spec)
	}
	if got := set.Mutate(within(t, time.Minute), verdict.Input{}); len(got.Operations)+len(got.Results) != 0 {
		t.Errorf("without a pod: %+v", got)
	}
}
