package engine

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/verdict"
)

func TestTheModeComesFromTheConfigurationAndTheNamespacesLabel(t *testing.T) {
	rules := policyText("a", `deny contains {"check": "a", "msg": "d"}

warn contains {"check": "a", "msg": "w"}

audit contains {"check": "a", "msg": "n"}`)
	for _, tt := range []struct {
		name, config string
		label        any // nil: none
		want         string
	}{
		{"enforce is the default", "", nil, "enforce"},
		{"the default mode", "defaultMode: audit", nil, "audit"},
		{"the policy's own over the default mode", "{defaultMode: audit, policies: {a: {mode: warn}}}", nil, "warn"},
		{"off is not asked", "policies: {a: {mode: 'off'}}", nil, ""},
		{"a label sets another mode", "", "warn", "warn"},
		{"a label switches it off", "", "off", ""},
		{"a label switches it on", "policies: {a: {mode: 'off'}}", "enforce", "enforce"},
		{"a label over the default mode", "defaultMode: 'off'", "audit", "audit"},
		{"a label that is no mode is ignored", "", "disabled", "enforce"},
		{"a mode in capitals is none", "", "WARN", "enforce"},
		{"an empty label is ignored", "policies: {a: {mode: warn}}", "", "warn"},
		{"a label that is no text is ignored", "", 1, "enforce"},
		{"no override allowed", "policies: {a: {namespaceOverride: false}}", "off", "enforce"},
		{"override allowed in words", "policies: {a: {namespaceOverride: true}}", "off", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := compiled(t, tt.config, map[string]string{"a": rules})
			in := podInput(nil, nil)
			in.Namespace = map[string]any{"metadata": map[string]any{"labels": map[string]any{"policy.usher.dev/b": "off"}}}
			if tt.label != nil {
				in.Namespace["metadata"].(map[string]any)["labels"].(map[string]any)["policy.usher.dev/a"] = tt.label
			}
			want := ""
			if tt.want != "" {
				// What a policy itself calls a warning or a note stays one.
				want = "a " + tt.want + ": audit n, deny d, warn w"
			}
			if diff := cmp.Diff(want, summary(set.Validate(within(t, time.Minute), in))); diff != "" {
				t.Error("results (-want +got):\n" + diff)
			}
		})
	}
}

func TestAMutatingPolicyThatOnlyWarnsJudgesThePodAsItWouldBe(t *testing.T) {
	rules := policyText("a", `patch contains {"op": "add", "path": "/spec/limit", "value": 1} if not input.pod.spec.limit

deny contains {"check": "a", "msg": "no limit"} if not input.pod.spec.limit

deny contains {"check": "a", "msg": "too much"} if input.pod.spec.limit > 1`)
	for _, tt := range []struct {
		mode    string
		spec    map[string]any
		patches int
		want    string
	}{
		{"enforce", map[string]any{}, 1, "a enforce: deny no limit"}, // validated after it was mutated
		{"warn", map[string]any{}, 0, "a warn: nothing"},
		{"audit", map[string]any{}, 0, "a audit: nothing"},
		{"off", map[string]any{}, 0, ""},
		{"warn", map[string]any{"limit": 2}, 0, "a warn: deny too much"},
	} {
		set := compiled(t, "policies: {a: {mode: '"+tt.mode+"'}}", map[string]string{"a": rules})
		in := podInput(nil, tt.spec)
		if got := summary(set.Validate(within(t, time.Minute), in)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.mode, got, tt.want)
		}
		if got := set.Mutate(within(t, time.Minute), in); len(got.Operations) != tt.patches {
			t.Errorf("%s: operations %v", tt.mode, got.Operations)
		}
	}
}

func TestParametersAreDefaultsThenConfigurationThenTenant(t *testing.T) {
	text := `# METADATA
# title: a
# custom:
#   checks: {a: b}
#   parameters:
#     most: {description: how many, default: 1}
#     names: {description: which, default: [x]}
#     rest: {description: what else, default: {"k": null}}
#     any: {description: of any type, default: null}
package usher.a

deny contains {"check": "a", "msg": sprintf("%v %v %v %v", [input.params.most, input.params.names, input.params.rest, input.params.any])}
`
	tenant := func(parameters any) map[string]any {
		return map[string]any{"metadata": map[string]any{"name": "t"}, "spec": map[string]any{"parameters": map[string]any{"a": parameters, "other": map[string]any{"most": 9}}}}
	}
	for _, tt := range []struct {
		name, config string
		tenant       map[string]any
		want         string
	}{
		{"defaults", "", nil, `deny 1 ["x"] {"k": null} null`},
		{"configured", "policies: {a: {parameters: {most: 2, any: {a: b}}}}", nil, `deny 2 ["x"] {"k": null} {"a": "b"}`},
		{"of the tenant", "policies: {a: {parameters: {most: 2}}}", tenant(map[string]any{"most": 3, "names": []any{}}), `deny 3 [] {"k": null} null`},
		{"a key is replaced whole", "", tenant(map[string]any{"rest": map[string]any{"l": 1}}), `deny 1 ["x"] {"l": 1} null`},
		{"a tenant without parameters", "", map[string]any{"spec": map[string]any{}}, `deny 1 ["x"] {"k": null} null`},
		{"a tenant that is not there", "", map[string]any{"metadata": map[string]any{"name": "t"}}, `deny 1 ["x"] {"k": null} null`},
		{"unknown to the policy", "", tenant(map[string]any{"mots": 3}), `error the Tenant's spec.parameters: policy a has no parameter "mots"; it has [any most names rest]`},
		{"of another type", "", tenant(map[string]any{"most": "3"}), `error the Tenant's spec.parameters: parameter "most" of policy a is string, want number`},
		{"that are no object", "", tenant("most"), `error the Tenant's spec.parameters: those of policy a are string, want object`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := compiled(t, tt.config, map[string]string{"a": text})
			in := verdict.Input{Pod: map[string]any{}, Tenant: tt.tenant}
			for range 2 { // the second answer is a remembered one
				if diff := cmp.Diff("a enforce: "+tt.want, summary(set.Validate(within(t, time.Minute), in))); diff != "" {
					t.Error("results (-want +got):\n" + diff)
				}
			}
			in.Tenant = nil
			if tt.tenant != nil && tt.config == "" {
				if got := summary(set.Validate(within(t, time.Minute), in)); got != `a enforce: deny 1 ["x"] {"k": null} null` {
					t.Error("the tenant's parameters stayed:", got)
				}
			}
		})
	}
}
