package webhook_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/webhook"
)

func TestParametersOfATenant(t *testing.T) {
	tenant := func(parameters any) fields {
		return fields{"metadata": fields{"name": "a"}, "spec": fields{"parameters": parameters}}
	}
	wrong := fields{"wrong": fields{"x": 1}}
	type said struct{ Denied, Warned string }
	for _, tt := range []struct {
		name     string
		old, now fields
		want     said
	}{
		{"none", nil, fields{}, said{}},
		{"those of a policy", nil, tenant(fields{"p": fields{"x": 1}}), said{}},
		{"wrong ones", nil, tenant(wrong), said{Denied: "spec.parameters.wrong: no such parameter [usher/parameters]"}},
		{"those of no policy", nil, tenant(fields{"a/b": fields{}}), said{Warned: "spec.parameters[a/b]: no such policy [usher/parameters]"}},
		{"what is no object", nil, tenant("x"), said{}},
		{"wrong ones that were there", tenant(wrong), with(tenant(wrong), fields{"spec": fields{"parameters": wrong, "namespaces": []any{"n"}}}), said{Warned: "spec.parameters.wrong: no such parameter [usher/parameters]"}},
		{"wrong ones that change", tenant(fields{"wrong": fields{}}), tenant(wrong), said{Denied: "spec.parameters.wrong: no such parameter [usher/parameters]"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			request := fields{"namespace": ""}
			if tt.old != nil {
				request["operation"], request["oldObject"] = "UPDATE", tt.old
			}
			out, err := validate(t, reviewerOf(t, &fakePolicies{}, team, ""), reviewBody(t, "usher.dev/v1alpha1", "Tenant", tt.now, request))
			must(t, err)
			if diff := cmp.Diff(tt.want, said{joined(out.Denied), joined(out.Warned)}); diff != "" {
				t.Error("(-want +got):\n" + diff)
			}
		})
	}
}

func joined(findings []webhook.Finding) (text string) {
	for _, f := range findings {
		text += f.String()
	}
	return text
}

func TestATenantIsNotJudgedWhileOthersAreUnknown(t *testing.T) {
	body := reviewBody(t, "usher.dev/v1alpha1", "Tenant", fields{}, fields{"namespace": ""})
	_, err := validate(t, reviewerOf(t, &fakePolicies{}, fakeCluster{err: errors.New("no watch")}, ""), body)
	if !webhook.Retriable(err) || err.Error() != "look up tenants: no watch" {
		t.Errorf("error %v", err)
	}
}
