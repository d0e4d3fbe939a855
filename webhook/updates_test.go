package webhook_test

import (
	"cmp"
	"errors"
	"strings"
	"testing"

	"usher.dev/usher/internal/verdict"
)

// badImagesAndLabels finds a label that is forbidden on top of bad images.
func badImagesAndLabels(in verdict.Input) []verdict.Finding {
	found := badImages(in)
	metadata, _ := in.Pod["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	if labels["forbidden"] != nil {
		found = append(found, verdict.Finding{Policy: "p", Check: "label", Message: "forbidden label", Path: "/metadata/labels/forbidden"})
	}
	return found
}

func TestWhatAnUpdateIsJudgedOn(t *testing.T) {
	good, bad := container("good"), fields{"name": "bad", "image": "bad"}
	pod := func(metadata, spec fields) fields { return fields{"metadata": metadata, "spec": spec} }
	deleted := fields{"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": []any{"a", "b"}}
	deployment := func(template fields) fields { return fields{"spec": fields{"template": template, "replicas": 3}} }

	for _, tt := range []struct {
		name, kind string // Pod unless it says otherwise
		old, now   fields
		// what becomes of findings: "denied CHECK PATH" or "warned CHECK PATH"
		want  string
		asked bool
	}{
		{"nothing changes", "", pod(fields{}, containers(bad)), pod(fields{}, containers(bad)), "", false},
		{"finalizers go, of a pod that is deleted", "", pod(deleted, containers(bad)), pod(with(deleted, fields{"finalizers": []any{"a"}}), containers(bad)), "", false},
		{"finalizers and labels go, of a pod that is deleted", "", pod(with(deleted, fields{"labels": fields{"a": "b"}}), containers(bad)), pod(with(deleted, fields{"finalizers": nil}), containers(bad)), "", false},
		{"finalizers go, of a pod that is not deleted", "", pod(fields{"finalizers": []any{"a"}}, containers(bad)), pod(fields{}, containers(bad)), "", false},
		{"the spec of a pod that is deleted", "", pod(deleted, containers(good)), pod(deleted, containers(bad)), "denied image /spec/containers/0/image", true},
		{"the spec of a pod that says it is deleted", "", pod(fields{}, containers(good)), pod(deleted, containers(bad)), "denied image /spec/containers/0/image", true},
		{"a label of a pod that only now says it is deleted", "", pod(fields{}, containers(good)), pod(with(deleted, fields{"labels": fields{"forbidden": "x"}}), containers(good)), "denied label /metadata/labels/forbidden", true},
		{"a label, of a pod that was bad before", "", pod(fields{}, containers(bad)), pod(fields{"labels": fields{"a": "b"}}, containers(bad)), "warned image /spec/containers/0/image", true},
		{"a label that is forbidden, of a pod that was bad before", "", pod(fields{}, containers(bad)), pod(fields{"labels": fields{"forbidden": "b"}}, containers(bad)), "denied label /metadata/labels/forbidden\nwarned image /spec/containers/0/image", true},
		{"an annotation", "", pod(fields{}, containers(good)), pod(fields{"annotations": fields{"a": "b"}}, containers(good)), "", true},
		{"labels from none to empty", "", pod(fields{}, containers(bad)), pod(fields{"labels": fields{}}, containers(bad)), "", false},
		{"a good container of a pod with a bad one", "", pod(fields{}, containers(bad, good)), pod(fields{}, containers(bad, with(good, fields{"image": "web:2"}))), "warned image /spec/containers/0/image", true},
		{"the bad container", "", pod(fields{}, containers(bad)), pod(fields{}, containers(with(bad, fields{"tty": true}))), "denied image /spec/containers/0/image", true},
		{"an ephemeral container beside a bad one", "", pod(fields{}, containers(bad)), pod(fields{}, with(containers(bad), fields{"ephemeralContainers": []any{bad}})), "denied image /spec/ephemeralContainers/0/image\nwarned image /spec/containers/0/image", true},
		{"a bad container moved", "", pod(fields{}, containers(bad, good)), pod(fields{}, containers(good, bad)), "denied image /spec/containers/1/image", true},
		{"replicas, of a bad template", "Deployment", deployment(pod(fields{}, containers(bad))), with(deployment(pod(fields{}, containers(bad))), fields{"metadata": fields{"labels": fields{"a": "b"}}}), "", false},
		{"a label of a bad template", "Deployment", deployment(pod(fields{}, containers(bad))), deployment(pod(fields{"labels": fields{"a": "b"}}, containers(bad))), "warned image /spec/template/spec/containers/0/image", true},
		{"a good container of a bad template", "Deployment", deployment(pod(fields{}, containers(bad, good))), deployment(pod(fields{}, containers(bad, with(good, fields{"image": "web:2"})))), "denied image /spec/template/spec/containers/0/image", true},
		{"a template that was not there", "Deployment", fields{"spec": fields{}}, deployment(pod(fields{}, containers(bad))), "denied image /spec/template/spec/containers/0/image", true},
		{"finalizers go, where a template should be and is none", "Deployment", fields{"metadata": deleted, "spec": "x"}, fields{"metadata": fields{}, "spec": "x"}, "", false},
		{"what is no template, in place of one", "Deployment", deployment(pod(fields{}, containers(bad))), fields{"spec": fields{"template": "x"}}, "denied malformed /spec/template", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			apiVersion, kind := "v1", "Pod"
			if tt.kind != "" {
				apiVersion, kind = "apps/v1", tt.kind
			}
			policies := &fakePolicies{find: badImagesAndLabels}
			out, err := validate(t, reviewerOf(t, policies, team, ""), reviewBody(t, apiVersion, kind, tt.now, fields{"operation": "UPDATE", "oldObject": tt.old}))
			must(t, err)
			var got []string
			for _, f := range out.Denied {
				got = append(got, "denied "+f.Check+" "+f.Path)
			}
			for _, f := range out.Warned {
				got = append(got, "warned "+f.Check+" "+f.Path)
				if f.Mode != "warn" {
					t.Errorf("a warning in mode %s", f.Mode)
				}
			}
			if text := strings.Join(got, "\n"); text != tt.want {
				t.Errorf("got\n%s\nwant\n%s", text, tt.want)
			}
			if asked := len(policies.asked) > 0; asked != tt.asked {
				t.Errorf("asked %v", asked)
			}
		})
	}
}

func TestAPolicyThatFailsBeforeAndAfterAnUpdateStillDenies(t *testing.T) {
	policies := &fakePolicies{err: errors.New("broken")}
	body := reviewBody(t, "v1", "Pod", fields{"metadata": fields{"labels": fields{"a": "b"}}, "spec": fields{}}, fields{"operation": "UPDATE", "oldObject": fields{"spec": fields{}}})
	out, err := validate(t, reviewerOf(t, policies, team, ""), body)
	must(t, err)
	if out.Allowed() || len(out.Denied) != 1 || out.Denied[0].Check != "error" {
		t.Errorf("outcome %+v", out)
	}
}

func TestUpdatesThatAreAlwaysJudged(t *testing.T) {
	named := fields{"metadata": fields{"name": "team"}}
	for _, tt := range []struct {
		name, apiVersion, kind string
		subresource            string
		old, now               fields
	}{
		{"of a Namespace, even one that changes nothing", "v1", "Namespace", "", named, named},
		{"of what a GPUNode reports", "usher.dev/v1alpha1", "GPUNode", "status", with(named, fields{"status": fields{"sequence": 1}}), with(named, fields{"status": fields{"sequence": 2}})},
		{"of a GPUNode's metadata", "usher.dev/v1alpha1", "GPUNode", "", named, fields{"metadata": fields{"name": "team", "ownerReferences": []any{}}}},
		{"of a GPUNode that is deleted", "usher.dev/v1alpha1", "GPUNode", "", fields{"metadata": fields{"deletionTimestamp": "2026-01-01T00:00:00Z"}}, named},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policies := &fakePolicies{}
			out, err := validate(t, reviewerOf(t, policies, team, ""), reviewBody(t, tt.apiVersion, tt.kind, tt.now, fields{"operation": "UPDATE", "subResource": tt.subresource, "oldObject": tt.old}))
			if err != nil || out.Skipped != "" || len(policies.asked) != 1 {
				t.Errorf("%v, outcome %+v, asked %d times", err, out, len(policies.asked))
			}
		})
	}
}

func TestUpdatesOfClaims(t *testing.T) {
	claim := func(metadata fields) fields { return fields{"metadata": metadata, "spec": fields{"devices": "a"}} }
	plain, deleted := fields{"name": "gpus"}, fields{"name": "gpus", "deletionTimestamp": "2026-01-01T00:00:00Z"}
	label, annotation := fields{"labels": fields{"a": "b"}}, fields{"annotations": fields{"a": "b"}}
	for _, tt := range []struct {
		name     string
		kind     string // ResourceClaim unless it says otherwise
		old, now fields
		judged   bool
	}{
		{"of nothing", "", claim(plain), claim(plain), false},
		{"of the status", "", claim(plain), with(claim(plain), fields{"status": fields{"allocation": fields{}}}), false},
		{"of finalizers", "", claim(with(plain, fields{"finalizers": []any{"a"}})), claim(plain), false},
		{"of a label", "", claim(plain), claim(with(plain, label)), true},
		{"of a label that goes", "", claim(with(plain, label)), claim(plain), true},
		{"of an annotation", "", claim(plain), claim(with(plain, annotation)), true},
		{"of the spec", "", claim(plain), with(claim(plain), fields{"spec": fields{}}), true},
		{"of a label, while it is deleted", "", claim(deleted), claim(with(deleted, label)), false},
		{"of a label of one that only now says it is deleted", "", claim(plain), claim(with(deleted, label)), true},
		{"of the spec, while it is deleted", "", claim(deleted), with(claim(deleted), fields{"spec": fields{}}), true},
		{"of a template's label", "ResourceClaimTemplate", claim(plain), claim(with(plain, label)), false},
		{"of a template's spec", "ResourceClaimTemplate", claim(plain), with(claim(plain), fields{"spec": fields{}}), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			policies := &fakePolicies{}
			body := reviewBody(t, "resource.k8s.io/v1", cmp.Or(tt.kind, "ResourceClaim"), tt.now, fields{"operation": "UPDATE", "oldObject": tt.old})
			out, err := validate(t, reviewerOf(t, policies, team, ""), body)
			if err != nil || (out.Skipped == "") != tt.judged || (len(policies.asked) == 1) != tt.judged {
				t.Errorf("%v, outcome %+v, asked %d times; want judged %v", err, out, len(policies.asked), tt.judged)
			}
		})
	}
}
