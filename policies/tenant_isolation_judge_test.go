package policies_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/policies"
)

// isolation judges the pods of one tenant by this policy alone.
type isolation struct {
	set    *engine.Set
	tenant map[string]any
}

// newIsolation configures the keys that mark the pool of gold, which other
// tenants cannot know of.
func newIsolation(tb testing.TB, tenant isolatedTenant) *isolation {
	tb.Helper()
	alone := fstest.MapFS{}
	for _, pattern := range []string{"tenant_isolation/*.rego", "lib/tenants.rego"} {
		names, err := fs.Glob(policies.FS, pattern)
		if err != nil || len(names) == 0 {
			tb.Fatalf("no file matches %s: %v", pattern, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.rego") {
				continue
			}
			content, err := fs.ReadFile(policies.FS, name)
			if err != nil {
				tb.Fatal(err)
			}
			alone[name] = &fstest.MapFile{Data: content}
		}
	}
	set, err := engine.Compile(&v1alpha1.AdmissionConfiguration{
		TenantLabel: "tenant",
		DefaultMode: v1alpha1.ModeEnforce,
		Policies: map[string]v1alpha1.PolicyConfiguration{"tenant_isolation": {
			Parameters: map[string]apiextensionsv1.JSON{"pool_keys": {Raw: []byte(`["dedicated", "pool"]`)}},
		}},
	}, alone)
	if err != nil {
		tb.Fatal(err)
	}
	object := v1alpha1.Tenant{Spec: v1alpha1.TenantSpec{NodePool: tenant.pool}}
	object.Name = tenant.name
	return &isolation{set, toJSON(tb, object)}
}

// judgement is what becomes of a pod.
type judgement struct {
	// before and after are the checks that the pod fails as it was sent and as
	// it was patched.
	before, after map[string]bool
	spec          any
	// again is what patching the patched pod would do.
	again []verdict.Operation
}

func (j judgement) admitted() bool { return len(j.after) == 0 }

// pod is the pod as it was patched.
func (j judgement) pod(tb testing.TB) *corev1.Pod {
	tb.Helper()
	pod, ok := decodePod(map[string]any{"spec": j.spec})
	if !ok {
		tb.Fatalf("the patched pod does not decode: %v", j.spec)
	}
	return pod
}

// mutationProblem says what is wrong with how the pod was patched.
func (j judgement) mutationProblem() string {
	if len(j.again) > 0 {
		return fmt.Sprintf("is patched twice: %v", j.again)
	}
	for _, check := range slices.Sorted(maps.Keys(j.after)) {
		if !j.before[check] {
			return fmt.Sprintf("fails %s only once it is patched", check)
		}
	}
	return ""
}

// judge creates a pod in the tenant's namespace.
func (i *isolation) judge(tb testing.TB, pod map[string]any) judgement {
	tb.Helper()
	in := i.request(pod)
	before := i.validate(tb, in)
	in.Pod = i.mutate(tb, in).Pod
	return judgement{
		before: before,
		after:  i.validate(tb, in),
		spec:   in.Pod["spec"],
		again:  i.mutate(tb, in).Operations,
	}
}

// judgeOnce does what the webhook does with a pod.
func (i *isolation) judgeOnce(tb testing.TB, pod map[string]any) {
	in := i.request(pod)
	in.Pod = i.mutate(tb, in).Pod
	i.validate(tb, in)
}

func (i *isolation) request(pod map[string]any) verdict.Input {
	return verdict.Input{
		Request: map[string]any{
			"operation": "CREATE",
			"namespace": "apps",
			"kind":      map[string]any{"group": "", "version": "v1", "kind": "Pod"},
			"userInfo":  map[string]any{"username": "alice"},
		},
		Pod:       map[string]any{"path": "", "metadata": map[string]any{}, "spec": pod["spec"]},
		Namespace: map[string]any{"metadata": map[string]any{"name": "apps"}},
		Tenant:    i.tenant,
	}
}

func (i *isolation) mutate(tb testing.TB, in verdict.Input) verdict.Mutation {
	tb.Helper()
	m := i.set.Mutate(tb.Context(), in)
	for _, failed := range m.Results {
		tb.Fatalf("mutate: %v\n%s", failed.Err, asYAML(tb, in.Pod))
	}
	return m
}

// validate returns the checks that fail.
func (i *isolation) validate(tb testing.TB, in verdict.Input) map[string]bool {
	tb.Helper()
	failed := map[string]bool{}
	for _, result := range i.set.Validate(tb.Context(), in) {
		if result.Err != nil {
			tb.Fatalf("validate: %v\n%s", result.Err, asYAML(tb, in.Pod))
		}
		for _, finding := range result.Deny {
			failed[finding.Check] = true
		}
	}
	return failed
}

// decodePod reads a pod as the API server does.
func decodePod(object map[string]any) (*corev1.Pod, bool) {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, false
	}
	var pod corev1.Pod
	return &pod, json.Unmarshal(raw, &pod) == nil
}

func toJSON(tb testing.TB, object any) map[string]any {
	tb.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		tb.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		tb.Fatal(err)
	}
	return out
}

func asYAML(tb testing.TB, object any) string {
	tb.Helper()
	raw, err := yaml.Marshal(object)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

// TestTenantIsolationDefaults holds the Tenant kind's defaults, which the tests
// here state, against what the policy makes of them.
func TestTenantIsolationDefaults(t *testing.T) {
	for _, tenant := range isolatedTenants {
		pod := newIsolation(t, tenant).judge(t, map[string]any{"spec": map[string]any{}}).pod(t)
		want := []corev1.Toleration{{
			Key: tenant.taint.Key, Operator: corev1.TolerationOpEqual, Value: tenant.taint.Value, Effect: tenant.taint.Effect,
		}}
		if diff := cmp.Diff(want, pod.Spec.Tolerations); diff != "" {
			t.Errorf("tenant %s: tolerations (-want +got):\n%s", tenant.name, diff)
		}
		selector := tenant.selector
		if tenant.soft() {
			selector = nil
		}
		if diff := cmp.Diff(selector, pod.Spec.NodeSelector); diff != "" {
			t.Errorf("tenant %s: node selector (-want +got):\n%s", tenant.name, diff)
		}
	}
}
