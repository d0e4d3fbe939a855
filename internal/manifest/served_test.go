package manifest

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServed(t *testing.T) {
	tests := []struct {
		name string
		text string
		want []string
	}{
		{"quantities become strings", `
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers:
  - name: c
    resources: {limits: {cpu: 1, memory: 1024Mi, nvidia.com/gpu: 1}}
`, []string{`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":"1","memory":"1Gi","nvidia.com/gpu":"1"}}}]},"status":{}}`}},
		{"a custom resource stays as it is", `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
spec: {anything: 1}
`, []string{`{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","spec":{"anything":1}}`}},
		{"a tenant is read strictly", `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: a}
spec: {gpus: 1}
`, []string{`f.yaml:5:8: unknown field "spec.gpus"`}},
		{"every unknown field is placed", `
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, labels: {app.kubernetes.io/name: a}, lables: {}}
spec:
  template:
    spec:
      containers:
      - name: c
      - name: d
        imagee: x
`, []string{
			`f.yaml:4:58: unknown field "metadata.lables"`,
			`f.yaml:11:9: unknown field "spec.template.spec.containers[1].imagee"`,
		}},
		{"a field of the wrong type is placed", `
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
  - name: b
    ports:
    - containerPort: "80"
`, []string{`f.yaml:9:7: containerPort must be a whole number, not a string`}},
		{"a string where a list belongs is placed", `
apiVersion: v1
kind: Pod
spec:
  containers: a
`, []string{`f.yaml:5:3: containers must be a list, not a string`}},
		{"a value of a map that is no text is named by its key", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {version: 1.30}}\n", []string{
			`f.yaml:3:30: version must be a string, not a number`,
		}},
		{"an element of the wrong type is named by its list", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - command: [a, 1]\n", []string{
			`f.yaml:5:18: command[1] must be a string, not a number`,
		}},
		{"a fraction where a whole number belongs is placed", `
apiVersion: apps/v1
kind: Deployment
spec: {replicas: 1.5}
`, []string{`f.yaml:4:8: replicas must be a whole number, not 1.5`}},
		{"a quantity that is none is placed, though another one is wrong too", `
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    resources:
      limits:
        cpu: 1
        memory: lots
  - name: b
    resources: {limits: {cpu: many}}
`, []string{`f.yaml:10:9: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`}},
		{"a misspelt kind is a problem", "apiVersion: v1\nkind: Podd\n", []string{`f.yaml:2:1: there is no kind Podd in v1`}},
		{"a version that a group does not have is a problem", "apiVersion: apps/v9\nkind: Deployment\n", []string{
			`f.yaml:2:1: there is no kind Deployment in apps/v9`,
		}},
		{"an apiVersion of three parts is a problem", "apiVersion: a/b/c\nkind: X\n", []string{
			`f.yaml:1:1: unexpected GroupVersion string: a/b/c`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			objects, problems := read(t, tt.text)
			if len(objects) != 1 || len(problems) > 0 {
				t.Fatalf("read %d objects, problems %v", len(objects), problems)
			}
			served, wrong := objects[0].Served()
			var got []string
			if served != nil {
				text, _ := json.Marshal(served)
				got = append(got, string(text))
			}
			for _, p := range wrong {
				got = append(got, p.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
