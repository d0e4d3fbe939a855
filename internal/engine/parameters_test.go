package engine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/verdict"
)

// withMost declares the parameter most.
func withMost(policy string) string {
	return strings.Replace(policy, "#   checks:", "#   parameters:\n#     most: {description: how many, default: 3}\n#   checks:", 1)
}

func TestParametersOfATenantAreCheckedBeforeAnyPodIs(t *testing.T) {
	const rule = `deny contains {"check": "a", "msg": "x"} if input.params.most == 0`
	set := compiled(t, "policies: {b: {mode: off}}", map[string]string{
		"a": withMost(policyText("a", rule)),
		"b": withMost(policyText("b", rule)),
	})
	type findings struct{ Wrong, Unknown []verdict.Finding }
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		want       findings
	}{
		{"none", nil, findings{}},
		{"those that are declared", map[string]any{"a": map[string]any{"most": 1}, "b": map[string]any{}}, findings{}},
		{
			"one that is not declared, one of another type, of a policy that is off, too",
			map[string]any{"b": map[string]any{"most": "1"}, "a": map[string]any{"mots": 1}},
			findings{Wrong: []verdict.Finding{
				{Policy: "a", Message: `policy a has no parameter "mots"; it has [most]`},
				{Policy: "b", Message: `parameter "most" of policy b is string, want number`},
			}},
		},
		{
			"what is no object",
			map[string]any{"a": "most"},
			findings{Wrong: []verdict.Finding{{Policy: "a", Message: "those of policy a are string, want object"}}},
		},
		{
			"of no policy",
			map[string]any{"c": map[string]any{}, "lib.a": nil},
			findings{Unknown: []verdict.Finding{
				{Policy: "c", Message: `there is no policy "c"; there are [a b]`},
				{Policy: "lib.a", Message: `there is no policy "lib.a"; there are [a b]`},
			}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wrong, unknown := set.CheckParameters(tt.parameters)
			if diff := cmp.Diff(tt.want, findings{wrong, unknown}); diff != "" {
				t.Error("(-want +got):\n" + diff)
			}
		})
	}
}

// TestPoliciesSeeWhatTenantsClaim asks a policy about other tenants.
func TestPoliciesSeeWhatTenantsClaim(t *testing.T) {
	set := compiled(t, "", map[string]string{"a": policyText("a", `deny contains {"check": "a", "msg": other.name} if some other in input.tenants`)})
	for _, tt := range []struct {
		tenants []any
		want    []string
	}{
		{nil, nil},
		{[]any{}, nil},
		{[]any{map[string]any{"name": "x"}, map[string]any{"name": "y"}}, []string{"x", "y"}},
	} {
		var got []string
		for _, result := range set.Validate(t.Context(), verdict.Input{Tenants: tt.tenants}) {
			if result.Err != nil {
				t.Fatal(result.Err)
			}
			for _, f := range result.Deny {
				got = append(got, f.Message)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.tenants, diff)
		}
	}
}
