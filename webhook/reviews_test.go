package webhook_test

import (
	"encoding/json"
	"maps"
	"testing"
)

// fields are fields of a JSON object.
type fields = map[string]any

// reviewBody writes an AdmissionReview that creates an object, with further
// fields of the request.
func reviewBody(t testing.TB, apiVersion, kind string, object any, request fields) []byte {
	t.Helper()
	group, version := "", apiVersion
	for i := range apiVersion {
		if apiVersion[i] == '/' {
			group, version = apiVersion[:i], apiVersion[i+1:]
		}
	}
	r := fields{
		"uid": "u1", "operation": "CREATE", "namespace": "team", "name": "web",
		"kind":     fields{"group": group, "version": version, "kind": kind},
		"userInfo": fields{"username": "jane"},
		"object":   object,
	}
	maps.Copy(r, request)
	body, err := json.Marshal(fields{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": r})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// podReview creates a pod with that spec.
func podReview(t testing.TB, spec any) []byte {
	t.Helper()
	return reviewBody(t, "v1", "Pod", fields{"metadata": fields{"name": "web"}, "spec": spec}, nil)
}

func containers(list ...any) fields { return fields{"containers": list} }

func container(name string) fields { return fields{"name": name, "image": "web:1"} }

// hostNetwork is a policy that most tests here enforce.
var hostNetwork = policy("host_network", `deny contains {"check": "host_network", "msg": "hostNetwork is true; leave it out", "path": "/spec/hostNetwork"} if {
	input.pod.spec.hostNetwork == true
}`)

// loops is a policy that takes longer than the world for pods labelled so.
var loops = policy("loops", `deny contains {"check": "loops", "msg": "found"} if {
	input.pod.metadata.labels.loop == "true"
	some a in numbers.range(1, 10000)
	some b in numbers.range(1, 10000)
	some c in numbers.range(1, 10000)
	((a * b) * c) == -1
}`)

// loopReview creates a pod over which loops loops.
func loopReview(t testing.TB) []byte {
	t.Helper()
	return reviewBody(t, "v1", "Pod", fields{"metadata": fields{"labels": fields{"loop": "true"}}, "spec": containers(container("web"))}, nil)
}
