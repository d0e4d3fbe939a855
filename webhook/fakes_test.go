package webhook_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/jsondoc"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/webhook"
)

// fakePolicies is one enforced policy, p, that finds what find says of the pod,
// and notes what it is asked.
type fakePolicies struct {
	find    func(in verdict.Input) []verdict.Finding
	patch   func(in verdict.Input) []verdict.Operation
	err     error
	asked   []verdict.Input // to judge
	mutated int             // how often it was asked to mutate
}

func (f *fakePolicies) Digest() string { return "sha256:fake" }

func (f *fakePolicies) Mutate(_ context.Context, in verdict.Input) verdict.Mutation {
	f.mutated++
	m := verdict.Mutation{Pod: in.Pod}
	if f.patch != nil {
		if m.Operations = f.patch(in); len(m.Operations) > 0 {
			m.Pod = map[string]any{"path": in.Pod["path"], "spec": map[string]any{"mutated": true}}
		}
	}
	return m
}

func (f *fakePolicies) Reserve(context.Context, verdict.Input) []verdict.Result { return nil }

func (f *fakePolicies) Validate(_ context.Context, in verdict.Input) []verdict.Result {
	plain := func(m map[string]any) map[string]any {
		p, _ := jsondoc.Plain(m).(map[string]any)
		if m == nil {
			return nil
		}
		return p
	}
	in = verdict.Input{
		Request: plain(in.Request), Pod: plain(in.Pod), OldPod: plain(in.OldPod),
		Namespace: plain(in.Namespace), Tenant: plain(in.Tenant), Tenants: in.Tenants,
	}
	f.asked = append(f.asked, in)
	result := verdict.Result{Policy: "p", Mode: "enforce", Err: f.err}
	if f.find != nil && f.err == nil {
		result.Deny = f.find(in)
	}
	return []verdict.Result{result}
}

// CheckParameters finds those of the policy wrong to be wrong, and knows no
// policies but that and p.
func (f *fakePolicies) CheckParameters(parameters map[string]any) (wrong, unknown []verdict.Finding) {
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		switch name {
		case "p":
		case "wrong":
			wrong = append(wrong, verdict.Finding{Policy: name, Message: "no such parameter"})
		default:
			unknown = append(unknown, verdict.Finding{Policy: name, Message: "no such policy"})
		}
	}
	return wrong, unknown
}

// fakeCluster holds Namespaces and Tenants; one that stands in neither does not
// exist.
type fakeCluster struct {
	namespaces, tenants map[string]map[string]any
	err                 error
}

func (c fakeCluster) Namespace(_ context.Context, name string) (map[string]any, error) {
	return c.namespaces[name], c.err
}

func (c fakeCluster) Tenant(_ context.Context, name string) (map[string]any, error) {
	return c.tenants[name], c.err
}

func (c fakeCluster) Tenants(context.Context) ([]map[string]any, error) {
	var all []map[string]any
	for _, name := range slices.Sorted(maps.Keys(c.tenants)) {
		all = append(all, c.tenants[name])
	}
	return all, c.err
}

// team is a cluster with the namespace team of the tenant a, and kube-system.
var team = fakeCluster{
	namespaces: map[string]map[string]any{
		"team":        {"metadata": fields{"name": "team", "labels": fields{"tenant": "a"}}},
		"kube-system": {"metadata": fields{"name": "kube-system"}},
	},
	tenants: map[string]map[string]any{"a": {"metadata": fields{"name": "a"}, "spec": fields{"x": "y"}}},
}

func reviewerOf(t testing.TB, policies verdict.Policies, cluster webhook.Cluster, yaml string) *webhook.Reviewer {
	t.Helper()
	return reviewerWith(t, policies, cluster, nil, yaml)
}

func reviewerWith(t testing.TB, policies verdict.Policies, cluster webhook.Cluster, ledger webhook.Ledger, yaml string) *webhook.Reviewer {
	t.Helper()
	cfg, err := config.Parse([]byte(yaml))
	must(t, err)
	r, err := webhook.NewReviewer(func() verdict.Policies { return policies }, cluster, ledger, cfg)
	must(t, err)
	return r
}

// validate decodes a review and has it judged.
func validate(t testing.TB, r *webhook.Reviewer, body []byte) (*webhook.Outcome, error) {
	t.Helper()
	req, err := webhook.DecodeReview(body)
	must(t, err)
	defer req.Release()
	return r.Validate(t.Context(), req)
}

// badImages finds each container whose image is "bad".
func badImages(in verdict.Input) (found []verdict.Finding) {
	spec, _ := in.Pod["spec"].(map[string]any)
	for _, list := range []string{"containers", "ephemeralContainers"} {
		elements, _ := spec[list].([]any)
		for i, c := range elements {
			if c, _ := c.(map[string]any); c["image"] == "bad" {
				found = append(found, verdict.Finding{Policy: "p", Check: "image", Message: "bad image", Path: fmt.Sprintf("/spec/%s/%d/image", list, i)})
			}
		}
	}
	return found
}
