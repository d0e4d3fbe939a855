package webhook_test

import (
	"testing"

	"usher.dev/usher/internal/verdict"
)

// TestDeletionsOfWhatUsherManagesAreJudged deletes an object of each kind that
// usher manages: policies see it as the old object, and where it was.
func TestDeletionsOfWhatUsherManagesAreJudged(t *testing.T) {
	for _, kind := range []struct{ apiVersion, kind string }{
		{"v1", "LimitRange"},
		{"v1", "Namespace"},
		{"v1", "ResourceQuota"},
		{"networking.k8s.io/v1", "NetworkPolicy"},
		{"rbac.authorization.k8s.io/v1", "Role"},
		{"rbac.authorization.k8s.io/v1", "RoleBinding"},
	} {
		t.Run(kind.kind, func(t *testing.T) {
			policies := &fakePolicies{find: func(in verdict.Input) []verdict.Finding {
				old, _ := in.Request["oldObject"].(map[string]any)
				metadata, _ := old["metadata"].(map[string]any)
				if in.Request["object"] != nil || metadata["name"] != "managed" {
					return nil
				}
				return []verdict.Finding{{Policy: "p", Check: "deleted", Message: "stays", Path: "/metadata/labels/usher.dev~1tenant"}}
			}}
			body := reviewBody(t, kind.apiVersion, kind.kind, nil, fields{"operation": "DELETE", "oldObject": fields{"metadata": fields{"name": "managed"}}})
			out, err := validate(t, reviewerOf(t, policies, team, ""), body)
			must(t, err)
			if len(out.Denied) != 1 || out.Denied[0].Field != "metadata.labels[usher.dev/tenant]" {
				t.Errorf("outcome %+v", out)
			}
			in := policies.asked[0]
			if known := in.Tenant != nil && in.Namespace != nil; known != (kind.kind != "Namespace") {
				t.Errorf("namespace %v, tenant %v", in.Namespace, in.Tenant)
			}
		})
	}
}

func TestDeletionsNeedNoObject(t *testing.T) {
	policies := &fakePolicies{}
	out, err := validate(t, reviewerOf(t, policies, team, ""), reviewBody(t, "v1", "LimitRange", nil, fields{"operation": "DELETE"}))
	if err != nil || !out.Allowed() || len(policies.asked) != 1 {
		t.Errorf("outcome %+v, %v, asked %d times", out, err, len(policies.asked))
	}
}
