package review

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/report"
	"usher.dev/usher/policies"
	"usher.dev/usher/quota"
	"usher.dev/usher/webhook"
)

func options(text string) Options {
	return Options{
		Files: []string{"-"}, Stdin: strings.NewReader(text),
		Config: "testdata/config.yaml", PolicyDir: "testdata/policies", ObjectsDir: "testdata/objects",
	}
}

func run(t *testing.T, o Options) []string {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return lines(r)
}

// lines shows a report in short.
func lines(r *report.Report) []string {
	var out []string
	for _, v := range r.Violations {
		out = append(out, fmt.Sprintf("%d:%d %s %s: %s %s %s/%s/%s", v.Line, v.Column, v.Mode, v.ID(), v.Message, v.Path, v.Object.Kind, v.Object.Namespace, v.Object.Name))
	}
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("%d:%d problem: %s", p.Line, p.Column, p.Message))
	}
	return append(out, fmt.Sprint("judged ", r.Judged, " not ", r.NotJudged))
}

const pod = `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: a
    image: bad
    resources: {limits: {cpu: 1}}
`

var cases = []struct {
	name, text string
	want       []string
}{
	{"a pod, as an API server would hand it on", pod, []string{
		`7:5 enforce words/image: image "bad" is not allowed; run good (container "a") /spec/containers/0/image Pod/default/p`,
		`8:26 warn words/note: cpu: is written as text now (container "a") /spec/containers/0/resources/limits/cpu Pod/default/p`,
		"judged 1 not map[]",
	}},
	{"a workload's template, at its place in the workload", `apiVersion: batch/v1
kind: CronJob
metadata: {name: c}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          hostNetwork: true
          containers: [{name: a, image: good}]
          initContainers:
          - {name: i, image: bad}
`, []string{
		"7:7 audit words/log: runs in default /spec/jobTemplate/spec/template CronJob/default/c",
		`12:23 enforce words/image: image "bad" is not allowed; run good (container "i") /spec/jobTemplate/spec/template/spec/initContainers/0/image CronJob/default/c`,
		"judged 1 not map[]",
	}},
	{"a pod is judged with the Tenant of its namespace", strings.Replace(pod, "{name: p}", "{name: p, namespace: team-a}", 1), []string{
		`3:1 enforce words/label: label owner is not set; tenant team-a wants it /metadata/labels/owner Pod/team-a/p`,
		`7:5 enforce words/image: image "bad" is not allowed; run good (container "a") /spec/containers/0/image Pod/team-a/p`,
		`8:26 warn words/note: cpu: is written as text now (container "a") /spec/containers/0/resources/limits/cpu Pod/team-a/p`,
		"judged 1 not map[]",
	}},
	{"a pod and a workload are judged with their tenant's ledger", strings.NewReplacer("{name: p}", "{name: p, namespace: team-g}", "image: bad", "image: good", "cpu: 1", "nvidia.com/gpu: 2").Replace(pod) + `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, namespace: team-g}
spec:
  replicas: 3
  template:
    spec:
      containers: [{name: a, image: good, resources: {limits: {nvidia.com/gpu: 1}}}]
`, []string{
		"1:1 enforce gpu_quota/tenant-units: 2 GPU asked for, and of the tenant's 2 1 is left: 1 held, most by team-g/train (1); ask for at most 1, or wait until others end  Pod/team-g/p",
		"3:1 enforce words/label: label owner is not set; tenant team-g wants it /metadata/labels/owner Pod/team-g/p",
		"15:3 warn gpu_quota/tenant-units: 3 replicas ask for 3 GPU together, and of the tenant's 2 1 is left: 1 held, most by team-g/train (1); ask for at most 2 /spec/template Deployment/team-g/d",
		"15:3 enforce words/label: label owner is not set; tenant team-g wants it /spec/template/metadata/labels/owner Deployment/team-g/d",
		"judged 2 not map[]",
	}},
	{"a pod is mutated before it is judged", "apiVersion: v1\nkind: Pod\nmetadata: {name: mutated, namespace: team-a}\nspec: {containers: []}\n", []string{
		"judged 1 not map[]",
	}},
	{"a custom resource whose template is configured", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {generateName: r-}\nspec: {template: {spec: {containers: [{image: bad}]}}}\n", []string{
		`4:40 enforce words/image: image "bad" is not allowed; run good /spec/template/spec/containers/0/image Rollout/default/r-`,
		"judged 1 not map[]",
	}},
	{"a custom resource that hides containers is warned of", "apiVersion: x.example/v1\nkind: Job\nmetadata: {name: j}\nspec:\n- a/b: {containers: [{image: bad}]}\n", []string{
		"5:9 warn usher/unknown-kind: Job.x.example is not judged, but seems to hold a pod template here; name it under podTemplates in usher's configuration /spec/0/a~1b/containers Job/default/j",
		"judged 0 not map[Job.x.example:1]",
	}},
	{"what holds no pods is not judged", "apiVersion: v1\nkind: ConfigMap\n---\napiVersion: x.example/v1\nkind: Thing\n---\n" + strings.Replace(pod, "{name: p}", "{name: p, namespace: kube-system}", 1), []string{
		"judged 0 not map[ConfigMap:1 Pod (namespace kube-system is exempt):1 Thing.x.example:1]",
	}},
	{"a policy that fails is a violation and a problem", strings.NewReplacer("name: p", "name: fails", "bad", "good", "cpu: 1", "cpu: 2").Replace(pod), []string{
		"1:1 enforce failing/error: the policy gave no verdict: it failed; try again, or ask the platform team to look for request … in usher's log  Pod/default/fails",
		"1:1 problem: policy failing: evaluate: failing/failing.rego:12: eval_builtin_error: to_number: strconv.ParseFloat: parsing \"fails\": invalid syntax",
		"judged 1 not map[]",
	}},
	{"what is broken is a problem, and the rest is judged", "a: [\n---\n" + strings.NewReplacer("bad", "good", "cpu: 1", "cpu: 2").Replace(pod) + "---\napiVersion: v1\nkind: Pod\nspek: {}\n", []string{
		"1:5 problem: broken YAML: did not find expected node content",
		`14:1 problem: unknown field "spek"`,
		"judged 1 not map[]",
	}},
}

func TestRun(t *testing.T) {
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, options(tt.text))
			for i := range got {
				got[i] = strings.Replace(got[i], "request offline in", "request … in", 1)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNamespacesAndTenantsAmongTheManifestsCount(t *testing.T) {
	const own = `apiVersion: v1
kind: Namespace
metadata: {name: mine, labels: {tenant: team-m}}
---
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: team-m}
---
apiVersion: v1
kind: Pod
metadata: {name: p}
`
	o := options(own)
	o.Requester = webhook.Offline{Namespace: "mine", User: "deployer", Groups: []string{"platform"}}
	want := []string{
		"11:1 enforce words/label: label owner is not set; tenant team-m wants it /metadata/labels/owner Pod/mine/p",
		"judged 3 not map[]",
	}
	if diff := cmp.Diff(want, run(t, o)); diff != "" {
		t.Errorf("as the platform (-want +got)\n%s", diff)
	}
	o = options(own)
	want = []string{
		"3:33 enforce words/label: namespaces of a tenant are the platform's /metadata/labels/tenant Namespace//mine",
		"judged 3 not map[]",
	}
	if diff := cmp.Diff(want, run(t, o)); diff != "" {
		t.Errorf("as nobody, in the default namespace (-want +got)\n%s", diff)
	}
}

func TestManyObjectsKeepTheirOrder(t *testing.T) {
	const n = 3000
	var text strings.Builder
	for range n {
		text.WriteString("---\n" + pod)
	}
	o := options(text.String())
	last := 0
	o.Progress = func(done, total int) {
		if total != n || done > n {
			t.Errorf("progress %d of %d", done, total)
		}
	}
	r, err := Run(context.Background(), o)
	if err != nil || r.Judged != n || len(r.Violations) != 2*n {
		t.Fatalf("%d judged, %d violations, %v", r.Judged, len(r.Violations), err)
	}
	for i, v := range r.Violations {
		if v.Line <= last {
			t.Fatalf("violation %d at line %d follows line %d", i, v.Line, last)
		}
		last = v.Line
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	bad := t.TempDir()
	if err := os.WriteFile(filepath.Join(bad, "a.yaml"), []byte("apiVersion: v1\nkind: Namespace\nmetadata: {nam: a}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"a configuration that is not there", func(o *Options) { o.Config = "gone.yaml" }, "read configuration: open gone.yaml"},
		{"policies that are not there", func(o *Options) { o.PolicyDir = "gone" }, "read policies: stat gone"},
		{"objects that are wrong", func(o *Options) { o.ObjectsDir = bad }, `a.yaml:3:12: unknown field "metadata.nam"`},
		{"a server without a scheme", func(o *Options) { o.Server = "localhost:9443" }, `--server "localhost:9443" is no URL such as https://127.0.0.1:9443`},
		{"an authority that is none", func(o *Options) { o.Server, o.ServerCA = "https://localhost", "review_test.go" }, "review_test.go holds no certificate in PEM"},
	} {
		o := options(pod)
		tt.change(&o)
		if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// newTestServer serves the policies of the tests as usher-webhook does.
func newTestServer(t *testing.T) *httptest.Server {
	t.Helper()
	cfg, err := config.Load("testdata/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := engine.Compile(cfg, policies.FS, os.DirFS("testdata/policies"))
	if err != nil {
		t.Fatal(err)
	}
	around, err := surroundings("testdata/objects", nil)
	if err != nil {
		t.Fatal(err)
	}
	reviewer, err := webhook.NewReviewer(engine.New(set).Current, around, quota.NewFixed(around), cfg)
	if err != nil {
		t.Fatal(err)
	}
	mutate, validate := webhook.NewHandlers(reviewer, logr.Discard(), logr.Discard(), webhook.NewMetrics(prometheus.NewRegistry()))
	mux := http.NewServeMux()
	mux.Handle("/mutate", mutate)
	mux.Handle("/validate", validate)
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	return server
}
