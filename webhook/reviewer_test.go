package webhook_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/webhook"
)

func TestPoliciesSeeTheRequestAndWhatIsAroundIt(t *testing.T) {
	pod := fields{"metadata": fields{"name": "web"}, "spec": containers(container("web")), "status": fields{}}
	for _, tt := range []struct {
		name    string
		body    []byte
		cluster fakeCluster
		want    verdict.Input
	}{
		{
			"a pod", reviewBody(t, "v1", "Pod", pod, nil), team,
			verdict.Input{
				Pod:       fields{"path": "", "metadata": fields{"name": "web"}, "spec": containers(container("web"))},
				Namespace: team.namespaces["team"], Tenant: team.tenants["a"],
			},
		},
		{
			"a namespace without a tenant", reviewBody(t, "v1", "Pod", pod, nil),
			fakeCluster{namespaces: map[string]map[string]any{"team": {"metadata": fields{"labels": fields{"tenant": ""}}}}},
			verdict.Input{
				Pod:       fields{"path": "", "metadata": fields{"name": "web"}, "spec": containers(container("web"))},
				Namespace: fields{"metadata": fields{"labels": fields{"tenant": ""}}},
			},
		},
		{
			"a tenant that does not exist", reviewBody(t, "v1", "Pod", pod, nil),
			fakeCluster{namespaces: team.namespaces},
			verdict.Input{
				Pod:       fields{"path": "", "metadata": fields{"name": "web"}, "spec": containers(container("web"))},
				Namespace: team.namespaces["team"], Tenant: fields{"metadata": fields{"name": "a"}},
			},
		},
		{
			"a template", reviewBody(t, "apps/v1", "Deployment", fields{"spec": fields{"template": pod}}, nil), team,
			verdict.Input{
				Pod:       fields{"path": "/spec/template", "metadata": fields{"name": "web"}, "spec": containers(container("web"))},
				Namespace: team.namespaces["team"], Tenant: team.tenants["a"],
			},
		},
		{
			"an update", reviewBody(t, "v1", "Pod", pod, fields{"operation": "UPDATE", "subResource": "ephemeralcontainers", "oldObject": fields{"spec": fields{}}}), team,
			verdict.Input{
				Pod:       fields{"path": "", "metadata": fields{"name": "web"}, "spec": containers(container("web"))},
				OldPod:    fields{"path": "", "spec": fields{}},
				Namespace: team.namespaces["team"], Tenant: team.tenants["a"],
			},
		},
		{"a binding", reviewBody(t, "v1", "Binding", fields{"target": fields{}}, fields{"subResource": "binding"}), team, verdict.Input{Namespace: team.namespaces["team"], Tenant: team.tenants["a"]}},
		{"a claim", reviewBody(t, "resource.k8s.io/v1", "ResourceClaim", fields{}, nil), team, verdict.Input{Namespace: team.namespaces["team"], Tenant: team.tenants["a"]}},
		{"a GPUNode, which is in no namespace", reviewBody(t, "usher.dev/v1alpha1", "GPUNode", fields{"metadata": fields{"name": "n1"}}, fields{"namespace": ""}), team, verdict.Input{}},
		{
			"a Tenant, with what all tenants claim",
			reviewBody(t, "usher.dev/v1alpha1", "Tenant", fields{"metadata": fields{"name": "c"}}, fields{"namespace": ""}),
			fakeCluster{tenants: map[string]map[string]any{
				"b": {"metadata": fields{"name": "b"}, "spec": fields{"namespaces": []any{"n"}, "nodePool": fields{}, "owners": []any{}}},
				"a": {"metadata": fields{"name": "a"}},
			}},
			verdict.Input{Tenants: []any{fields{"name": "a"}, fields{"name": "b", "namespaces": []any{"n"}, "nodePool": fields{}}}},
		},
		{
			"a Tenant that is the first", reviewBody(t, "usher.dev/v1alpha1", "Tenant", fields{"metadata": fields{"name": "c"}}, fields{"namespace": ""}),
			fakeCluster{},
			verdict.Input{Tenants: []any{}},
		},
		// It is itself under review: what the cluster holds is what was.
		{"a Namespace", reviewBody(t, "v1", "Namespace", fields{"metadata": fields{"name": "team"}}, nil), team, verdict.Input{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policies := &fakePolicies{}
			out, err := validate(t, reviewerOf(t, policies, tt.cluster, ""), tt.body)
			if err != nil || !out.Allowed() || out.Skipped != "" || len(policies.asked) != 1 {
				t.Fatalf("outcome %+v, %v, asked %d times", out, err, len(policies.asked))
			}
			got := policies.asked[0]
			if got.Request["uid"] != "u1" || got.Request["object"] == nil {
				t.Errorf("request %v", got.Request)
			}
			got.Request = nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error("input (-want +got):\n" + diff)
			}
		})
	}
}

func TestRequestsThatNeedNoVerdict(t *testing.T) {
	pod := fields{"spec": containers(fields{"image": "bad"})}
	for _, tt := range []struct {
		name string
		body []byte
		want string
	}{
		{"a deletion", reviewBody(t, "v1", "Pod", nil, fields{"operation": "DELETE", "oldObject": pod}), "DELETE is not judged"},
		{"a deletion of a kind that usher does not manage", reviewBody(t, "v1", "Service", nil, fields{"operation": "DELETE", "oldObject": fields{}}), "DELETE is not judged"},
		{"a deletion of a tenant", reviewBody(t, "usher.dev/v1alpha1", "Tenant", nil, fields{"operation": "DELETE", "namespace": "", "oldObject": fields{}}), "DELETE is not judged"},
		{"a deletion in an exempt namespace", reviewBody(t, "v1", "ResourceQuota", nil, fields{"operation": "DELETE", "namespace": "kube-system", "oldObject": fields{}}), "namespace kube-system is exempt"},
		{"a tenant whose status changes", reviewBody(t, "usher.dev/v1alpha1", "Tenant", fields{"spec": fields{"a": 1}, "status": fields{"b": 1}}, fields{"operation": "UPDATE", "namespace": "", "oldObject": fields{"spec": fields{"a": 1}}}), "nothing that is judged changes"},
		{"a deletion without the object", reviewBody(t, "example.com/v1", "Widget", nil, fields{"operation": "DELETE"}), "DELETE is not judged"},
		{"a connection", reviewBody(t, "v1", "PodExecOptions", nil, fields{"operation": "CONNECT", "subResource": "exec"}), "CONNECT is not judged"},
		{"kube-system", reviewBody(t, "v1", "Pod", pod, fields{"namespace": "kube-system"}), "namespace kube-system is exempt"},
		{"an exempt namespace itself", reviewBody(t, "v1", "Namespace", fields{"metadata": fields{"name": "kube-node-lease"}}, fields{"namespace": "kube-node-lease"}), "namespace kube-node-lease is exempt"},
		{"an update that changes no pod", reviewBody(t, "v1", "Pod", pod, fields{"operation": "UPDATE", "oldObject": pod}), "no pod or pod template changes"},
		{"a Deployment without a template", reviewBody(t, "apps/v1", "Deployment", fields{"spec": fields{"template": nil}}, nil), "no pod or pod template changes"},
		{"a claim whose status changes", reviewBody(t, "resource.k8s.io/v1", "ResourceClaim", fields{"spec": fields{"a": 1}, "status": fields{"b": 1}}, fields{"operation": "UPDATE", "oldObject": fields{"spec": fields{"a": 1}}}), "nothing that is judged changes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policies := &fakePolicies{find: badImages}
			out, err := validate(t, reviewerOf(t, policies, team, ""), tt.body)
			if err != nil || !out.Allowed() || out.Skipped != tt.want || len(policies.asked) != 0 {
				t.Errorf("outcome %+v, %v, asked %d times; want %q", out, err, len(policies.asked), tt.want)
			}
		})
	}
}

func TestExemptNamespacesAreThoseOfTheConfiguration(t *testing.T) {
	pod := fields{"spec": containers(fields{"image": "bad"})}
	for namespace, allowed := range map[string]bool{"team": true, "kube-system": false} {
		out, err := validate(t, reviewerOf(t, &fakePolicies{find: badImages}, team, "exemptNamespaces: [team]"), reviewBody(t, "v1", "Pod", pod, fields{"namespace": namespace}))
		if err != nil || out.Allowed() != allowed {
			t.Errorf("%s: %+v, %v", namespace, out, err)
		}
	}
}

func TestWhatCannotBeLookedUpIsNotAdmitted(t *testing.T) {
	body := podReview(t, containers())
	for _, tt := range []struct {
		name      string
		cluster   fakeCluster
		retriable bool
		want      string
	}{
		{"a namespace that does not exist", fakeCluster{}, false, `namespace "team" does not exist`},
		{"an API server that is away", fakeCluster{err: errors.New("connection refused")}, true, "look up namespace team: connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := reviewerOf(t, &fakePolicies{}, tt.cluster, "")
			for name, ask := range map[string]func(*webhook.Request) (*webhook.Outcome, error){
				"validate": func(req *webhook.Request) (*webhook.Outcome, error) { return r.Validate(t.Context(), req) },
				"mutate":   func(req *webhook.Request) (*webhook.Outcome, error) { return r.Mutate(t.Context(), req) },
			} {
				req, err := webhook.DecodeReview(body)
				must(t, err)
				out, err := ask(req)
				if out != nil || err == nil || err.Error() != tt.want || webhook.Retriable(err) != tt.retriable {
					t.Errorf("%s: %+v, %v, retriable %v", name, out, err, webhook.Retriable(err))
				}
			}
		})
	}
}

func TestTemplatesAreFoundByPath(t *testing.T) {
	bad := fields{"spec": containers(container("web"), fields{"name": "b", "image": "bad"})}
	const configuration = `
podTemplates:
- {group: example.com, kind: Job, paths: [spec.replicas.*.template, spec.extra.0.template]}
- {group: example.com, kind: List, paths: [spec.items.*]}
- {group: apps, kind: Deployment, paths: [spec.canary]}
`
	for _, tt := range []struct {
		name, apiVersion, kind string
		spec                   any
		paths                  []string // of the templates, in order
	}{
		{"PodTemplate", "v1", "PodTemplate", nil, []string{"/template"}},
		{"ReplicationController", "v1", "ReplicationController", fields{"template": bad}, []string{"/spec/template"}},
		{"CronJob", "batch/v1", "CronJob", fields{"jobTemplate": fields{"spec": fields{"template": bad}}}, []string{"/spec/jobTemplate/spec/template"}},
		{"every key of a map, in order of the keys", "example.com/v2", "Job", fields{"replicas": fields{"worker": fields{"template": bad}, "a/b~c": fields{"template": bad}, "launcher": nil, "ps": fields{}}}, []string{"/spec/replicas/a~1b~0c/template", "/spec/replicas/worker/template"}},
		{"every element of a list", "example.com/v1", "Job", fields{"replicas": []any{fields{"template": bad}, fields{}, fields{"template": bad}}}, []string{"/spec/replicas/0/template", "/spec/replicas/2/template"}},
		{"one element of a list", "example.com/v1", "Job", fields{"extra": []any{fields{"template": bad}, fields{"template": bad}}}, []string{"/spec/extra/0/template"}},
		{"a path that ends in every element", "example.com/v1", "List", fields{"items": []any{bad}}, []string{"/spec/items/0"}},
		{"a further path of a kind that is known", "apps/v1", "Deployment", fields{"template": bad, "canary": bad}, []string{"/spec/template", "/spec/canary"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policies := &fakePolicies{find: badImages}
			object := fields{"spec": tt.spec}
			if tt.spec == nil {
				object = fields{"template": bad}
			}
			out, err := validate(t, reviewerOf(t, policies, team, configuration), reviewBody(t, tt.apiVersion, tt.kind, object, nil))
			must(t, err)
			var asked, found []string
			for _, in := range policies.asked {
				asked = append(asked, in.Pod["path"].(string))
			}
			if diff := cmp.Diff(tt.paths, asked); diff != "" {
				t.Error("templates (-want +got):\n" + diff)
			}
			want := map[string]bool{}
			for _, p := range tt.paths {
				want[p+"/spec/containers/1/image"] = true
			}
			for _, f := range out.Denied {
				found = append(found, f.Path)
				if !want[f.Path] || f.Container != "b" || !strings.HasSuffix(f.Field, "spec.containers[1].image") {
					t.Errorf("finding %+v", f)
				}
			}
			if len(found) != len(want) {
				t.Errorf("findings at %v, want %v", found, want)
			}
		})
	}
}

func TestAnObjectWithTooManyTemplatesIsDenied(t *testing.T) {
	for n, want := range map[int]string{256: "", 257: "the object holds 257 pod templates; at most 256 are judged"} {
		replicas := fields{}
		for i := range n {
			replicas[fmt.Sprint(i)] = fields{"template": fields{}}
		}
		out, err := validate(t, reviewerOf(t, &fakePolicies{}, team, "podTemplates: [{group: example.com, kind: Job, paths: [spec.*.template]}]"), reviewBody(t, "example.com/v1", "Job", fields{"spec": replicas}, nil))
		must(t, err)
		if out.Allowed() != (want == "") || !strings.Contains(out.Message(), want) {
			t.Errorf("%d templates: %s", n, out.Message())
		}
	}
}

func TestATemplateIsJudgedAsItsPodsWillBe(t *testing.T) {
	policies := &fakePolicies{patch: func(verdict.Input) []verdict.Operation {
		return []verdict.Operation{{Op: "add", Path: "/spec/mutated", Value: true}}
	}}
	r := reviewerOf(t, policies, team, "")
	out, err := validate(t, r, reviewBody(t, "apps/v1", "Deployment", fields{"spec": fields{"template": fields{"spec": fields{}}}}, nil))
	must(t, err)
	if diff := cmp.Diff(fields{"path": "/spec/template", "spec": fields{"mutated": true}}, policies.asked[0].Pod); diff != "" {
		t.Error("pod (-want +got):\n" + diff)
	}
	if len(out.Patch) != 0 {
		t.Errorf("the stored template is patched: %v", out.Patch)
	}
	// A pod has been mutated by the time it is validated.
	if _, err := validate(t, r, podReview(t, fields{})); err != nil || policies.mutated != 1 {
		t.Errorf("%v, mutated %d times", err, policies.mutated)
	}
}

func TestOnlyPodsThatAreCreatedAreMutated(t *testing.T) {
	patch := []verdict.Operation{{Op: "add", Path: "/metadata/labels", Value: fields{}}}
	pod := fields{"spec": fields{}}
	for name, tt := range map[string]struct {
		body    []byte
		mutated bool
	}{
		"a pod":          {reviewBody(t, "v1", "Pod", pod, nil), true},
		"an update":      {reviewBody(t, "v1", "Pod", pod, fields{"operation": "UPDATE", "oldObject": fields{}}), false},
		"a subresource":  {reviewBody(t, "v1", "Pod", pod, fields{"subResource": "binding"}), false},
		"a Deployment":   {reviewBody(t, "apps/v1", "Deployment", fields{"spec": fields{"template": pod}}, nil), false},
		"an exempt pod":  {reviewBody(t, "v1", "Pod", pod, fields{"namespace": "kube-system"}), false},
		"an unknown one": {reviewBody(t, "example.com/v1", "Pod", pod, nil), false},
	} {
		t.Run(name, func(t *testing.T) {
			policies := &fakePolicies{patch: func(verdict.Input) []verdict.Operation { return patch }}
			req, err := webhook.DecodeReview(tt.body)
			must(t, err)
			out, err := reviewerOf(t, policies, team, "").Mutate(t.Context(), req)
			must(t, err)
			if (len(out.Patch) == 1) != tt.mutated || !out.Allowed() || (out.Skipped == "") != tt.mutated {
				t.Errorf("outcome %+v", out)
			}
		})
	}
}

// with returns a copy of an object with other fields.
func with(object, other fields) fields {
	object = maps.Clone(object)
	maps.Copy(object, other)
	return object
}
