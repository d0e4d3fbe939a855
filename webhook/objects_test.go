package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// limits stands for the shipped policies: it reads every container and says
// what is wrong with odd ones.
var limits = policy("limits", `lists := ["initContainers", "containers", "ephemeralContainers"]

deny contains {"check": "limits", "msg": "the spec is no object", "path": "/spec"} if not _spec

_spec if is_object(input.pod.spec)

deny contains {"check": "limits", "msg": sprintf("%s is no list", [list]), "path": sprintf("/spec/%s", [list])} if {
	some list in lists
	input.pod.spec[list]
	not is_array(input.pod.spec[list])
}

deny contains {"check": "limits", "msg": msg, "path": sprintf("/spec/%s/%d/resources/limits/cpu", [list, i])} if {
	some list in lists
	is_array(input.pod.spec[list])
	some i, c in input.pod.spec[list]
	not c.resources.limits.cpu == "1"
	msg := sprintf("cpu limit is %s; set 1", [json.marshal(_cpu(c))])
}

default _cpu(_) := null

_cpu(c) := c.resources.limits.cpu`)

func TestObjectsOfTheWrongTypeAreDeniedWithAReason(t *testing.T) {
	s := site{policies: map[string]string{"limits": limits}}.start(t)
	template := func(spec any) fields { return fields{"template": fields{"spec": spec}} }
	for _, tt := range []struct {
		name, apiVersion, kind string
		object                 any
		want                   string
	}{
		{"a pod's spec that is a string", "v1", "Pod", fields{"spec": "x"}, "spec: the spec is no object"},
		{"a pod without a spec", "v1", "Pod", fields{"metadata": "x"}, "spec: the spec is no object"},
		{"an empty pod", "v1", "Pod", fields{}, "spec: the spec is no object"},
		{"containers that are a map", "v1", "Pod", fields{"spec": fields{"containers": fields{"a": 1}}}, "spec.containers: containers is no list"},
		{"containers that are null", "v1", "Pod", fields{"spec": fields{"containers": []any{nil}}}, "spec.containers[0].resources.limits.cpu: cpu limit is null; set 1"},
		{"containers that are numbers", "v1", "Pod", fields{"spec": containers(1)}, "spec.containers[0].resources.limits.cpu: cpu limit is null; set 1"},
		{"containers that are lists", "v1", "Pod", fields{"spec": containers([]any{})}, "spec.containers[0].resources.limits.cpu: cpu limit is null; set 1"},
		{"resources that are a number", "v1", "Pod", fields{"spec": containers(fields{"name": "a", "resources": 1})}, `cpu limit is null; set 1 (container "a")`},
		{"limits that are numbers", "v1", "Pod", fields{"spec": containers(fields{"name": 7, "resources": fields{"limits": fields{"cpu": 2}}})}, "cpu limit is 2; set 1 ["},
		{"a limit beyond every number", "v1", "Pod", fields{"spec": containers(fields{"resources": fields{"limits": fields{"cpu": json.Number("1e999")}}})}, "cpu limit is 1e999; set 1"},
		{"labels that are a list", "v1", "Pod", fields{"metadata": fields{"labels": []any{"a"}}, "spec": containers(1)}, "cpu limit is null"},
		{"a Deployment whose spec is a string", "apps/v1", "Deployment", fields{"spec": "x"}, "spec: is a string; it has to be an object or list that leads to a pod template [usher/malformed]"},
		{"a Deployment whose template is a list", "apps/v1", "Deployment", fields{"spec": fields{"template": []any{1}}}, "spec.template: is a list; it has to be an object that holds a pod template"},
		{"a Deployment whose spec is a list", "apps/v1", "Deployment", fields{"spec": []any{template(nil)}}, "spec: is a list; it has to be an object with the field template"},
		{"a Deployment whose template's spec is a number", "apps/v1", "Deployment", fields{"spec": template(1)}, "spec.template.spec: the spec is no object"},
		{"a CronJob with a boolean on the way", "batch/v1", "CronJob", fields{"spec": fields{"jobTemplate": true}}, "spec.jobTemplate: is a boolean"},
		{"an unknown kind", "example.com/v1", "Widget", fields{}, "usher is asked about Widget.v1.example.com, but does not know where it holds pods; name it under podTemplates"},
		{"a kind of the wrong group", "example.com/v1", "Pod", fields{}, "usher is asked about Pod.v1.example.com"},
		{"a kind in the wrong case", "v1", "pod", fields{}, "usher is asked about pod.v1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := s.review(t, "/validate", reviewBody(t, tt.apiVersion, tt.kind, tt.object, nil))
			if got.Allowed || got.Result.Code != 403 || !strings.Contains(got.Result.Message, tt.want) {
				t.Errorf("allowed %v, %+v; want %q", got.Allowed, got.Result, tt.want)
			}
		})
	}
}

func TestAThousandViolatingContainersGetABoundedAnswer(t *testing.T) {
	s := site{policies: map[string]string{"limits": limits, "host_network": hostNetwork}}.start(t)
	var list []any
	for i := range 1000 {
		list = append(list, container(fmt.Sprintf("c%03d", i)))
	}
	start := time.Now()
	got := s.review(t, "/validate?timeout=10s", podReview(t, containers(list...)))
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("answered after %s", took)
	}
	message := got.Result.Message
	lines := strings.Split(message, "\n")
	wantFirst := []string{
		"1000 violations:",
		`  spec.containers[0].resources.limits.cpu: cpu limit is null; set 1 (container "c000") [limits/limits]`,
		`  spec.containers[1].resources.limits.cpu: cpu limit is null; set 1 (container "c001") [limits/limits]`,
	}
	if diff := cmp.Diff(wantFirst, lines[:3]); diff != "" {
		t.Error("message (-want +got):\n" + diff)
	}
	if want := "  and 900 more; `usher review` lists them all"; lines[len(lines)-1] != want || len(lines) != 102 {
		t.Errorf("%d lines, the last %q; want %q", len(lines), lines[len(lines)-1], want)
	}
	if len(got.Result.Details.Causes) != 100 {
		t.Errorf("%d causes", len(got.Result.Details.Causes))
	}
}

func TestHugeTextsGetABoundedAnswer(t *testing.T) {
	echo := policy("echo", `deny contains {"check": "echo", "msg": sprintf("label %s is %s", [k, v]), "path": sprintf("/metadata/labels/%s", [k])} if some k, v in input.pod.metadata.labels

warn contains {"check": "echo", "msg": v} if some v in input.pod.metadata.labels

audit contains {"check": "echo", "msg": v} if some v in input.pod.metadata.labels`)
	s := site{policies: map[string]string{"echo": echo}}.start(t)
	huge := strings.Repeat("ü", 100<<10)
	labels := fields{}
	for i := range 15 {
		labels[fmt.Sprintf("%d%s", i, huge)] = fmt.Sprintf("%s%d", huge, i)
	}
	pod := fields{"metadata": fields{"labels": labels}, "spec": containers(fields{"name": huge})}
	body := reviewBody(t, "v1", "Pod", pod, nil)
	if len(body) < 3<<20 {
		t.Fatalf("only %d bytes", len(body))
	}
	status, text := s.post(t, s.client, "/validate?timeout=10s", body)
	if status != 200 || len(text) > 128<<10 {
		t.Fatalf("status %d, %d bytes", status, len(text))
	}
	got := responseIn(t, text)
	if got.Allowed || !strings.HasPrefix(got.Result.Message, "15 violations:") || len(got.Result.Message) > 33<<10 {
		t.Errorf("a message of %d bytes: %.100q", len(got.Result.Message), got.Result.Message)
	}
	if strings.ContainsRune(text, '\uFFFD') {
		t.Error("a character was cut in two")
	}
	for name, value := range got.AuditAnnotations {
		if len(value) > 9<<10 {
			t.Errorf("annotation %s has %d bytes", name, len(value))
		}
	}
	for _, line := range s.logs.all() {
		if len(line) > 128<<10 {
			t.Errorf("a log line of %d bytes", len(line))
		}
	}

	for _, request := range []fields{{"uid": huge}, {"namespace": huge}, {"userInfo": fields{"username": huge}}, {"kind": fields{"kind": huge}}} {
		status, text := s.post(t, s.client, "/validate", reviewBody(t, "v1", "Pod", pod, request))
		if status != 400 || !strings.Contains(text, "is longer than 4096 bytes") {
			t.Errorf("status %d, %.200q", status, text)
		}
	}
}

func TestALargePodIsJudged(t *testing.T) {
	s := site{policies: map[string]string{"limits": limits}}.start(t)
	env := func(n int, value string) fields {
		var list []any
		for i := range n {
			list = append(list, fields{"name": fmt.Sprintf("V%d", i), "value": value})
		}
		return fields{"name": "web", "env": list}
	}
	for _, tt := range []struct {
		name string
		pod  fields
		want string
	}{
		{"3 MB of text", containers(env(100, strings.Repeat("x", 31_500))), "cpu limit is null"},
		{"3 MB of commas in text", containers(env(1, strings.Repeat(",", 3<<20))), "cpu limit is null"},
		{"3 MB of small fields", containers(env(60_000, strings.Repeat("x", 20))), "cpu limit is null"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			got := s.review(t, "/validate?timeout=10s", podReview(t, tt.pod))
			if got.Allowed || !strings.Contains(got.Result.Message, tt.want) {
				t.Errorf("allowed %v: %+v", got.Allowed, got.Result)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("answered after %s", took)
			}
		})
	}

	body := podReview(t, fields{"containers": []any{}, "dense": "@"})
	dense := []byte("[" + strings.Repeat("0,", 300_000) + "0]")
	body = bytes.Replace(body, []byte(`"@"`), dense, 1)
	status, text := s.post(t, s.client, "/validate", body)
	if status != 413 || !strings.Contains(text, "at most 262144 are judged") {
		t.Errorf("300,000 values: status %d, %q", status, text)
	}
}
