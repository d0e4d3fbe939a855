package policies_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/rego"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/fixture"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/policies"
)

// TestPoliciesReadNothingThatDiffersBetweenReplicas keeps the verdict cache
// worth having: the pods of one ReplicaSet differ in these fields, and must cost
// one evaluation.
func TestPoliciesReadNothingThatDiffersBetweenReplicas(t *testing.T) {
	differs := []string{
		"request.uid", "request.name", "request.object.metadata.name", "request.object.spec",
		"pod.metadata.name", "pod.metadata.uid", "pod.metadata.creationTimestamp", "pod.metadata.managedFields",
		"pod.spec.volumes.0.name", "pod.spec.containers.0.volumeMounts.0.name", "pod.spec.initContainers.0.volumeMounts.0.name",
	}
	for _, p := range shipped(t).Policies() {
		if p.Reads == "" {
			t.Errorf("%s reads nothing", p.Name)
		}
		for line := range strings.Lines(p.Reads) {
			covers := asPattern(strings.TrimSpace(line))
			for _, field := range differs {
				if covers.MatchString(field) {
					t.Errorf("%s reads %s, and so %s", p.Name, strings.TrimSpace(line), field)
				}
			}
		}
	}
}

// asPattern makes a pattern of a line of Policy.Reads.
func asPattern(line string) *regexp.Regexp {
	s := regexp.QuoteMeta(line)
	s = strings.ReplaceAll(s, `\.\*\*`, `(\..*)?`)
	return regexp.MustCompile("^" + strings.ReplaceAll(s, `\*`, `[^.]*`) + "$")
}

// TestVerdictsOnWhatAPolicyReadsAreVerdictsOnTheWholeInput holds the engine,
// which cuts the input down to what a policy can read, against OPA on the whole
// input: on every fixture, and on pods put together from the parts of several.
func TestVerdictsOnWhatAPolicyReadsAreVerdictsOnTheWholeInput(t *testing.T) {
	set := shipped(t)
	queries := map[string]rego.PreparedEvalQuery{}
	parameters := map[string]map[string]any{}
	for _, p := range set.Policies() {
		module, query := "package oracle\n", []string{}
		for _, rule := range []string{"deny", "warn", "audit"} {
			if hasRule(t, p.Name, rule) {
				module += fmt.Sprintf("%s contains v if some v in data.usher.%s.%s\n", rule, p.Name, rule)
				query = append(query, fmt.Sprintf("%q: data.oracle.%s", rule, rule))
			}
		}
		queries[p.Name] = prepareRego(t, module, "x = {"+strings.Join(query, ", ")+"}", p.Name)
		parameters[p.Name] = map[string]any{}
		for name, parameter := range p.Parameters {
			parameters[p.Name][name] = parameter.Default
		}
	}
	inputs := fixtureInputs(t)
	rounds := inShort(1500)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range rounds {
		inputs = append(inputs, crossed(random, inputs))
	}
	for _, w := range gpuNodeWrites() {
		inputs = append(inputs, w.input())
	}
	for _, w := range managedWrites() {
		inputs = append(inputs, w.input())
	}
	for range inShort(500) {
		inputs = append(inputs, randomClaim(random).input(t))
	}
	for _, p := range scheduledPods() {
		if random.IntN(5) == 0 {
			inputs = append(inputs, p.input())
		}
	}
	found := map[string]int{}
	for _, in := range inputs {
		for _, result := range set.Validate(context.Background(), in) {
			if result.Err != nil {
				t.Fatalf("%s: %v\n%s", result.Policy, result.Err, mustMarshal(t, in))
			}
			input := map[string]any{"request": in.Request, "params": parameters[result.Policy], "config": map[string]any{"tenant_label": "tenant"}}
			for key, value := range map[string]map[string]any{"pod": in.Pod, "old_pod": in.OldPod, "namespace": in.Namespace, "tenant": in.Tenant} {
				if value != nil {
					input[key] = value
				}
			}
			if in.Tenants != nil {
				input["tenants"] = in.Tenants
			}
			whole := evaluate(t, queries[result.Policy], input)
			got := map[string][]string{"deny": lines(result.Deny), "warn": lines(result.Warn), "audit": lines(result.Audit)}
			want := linesOf(t, whole)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s says something else on the whole input (-whole +cut):\n%s\nseed %d\n%s", result.Policy, diff, seed, mustMarshal(t, in))
			}
			found[result.Policy] += len(result.Deny)
		}
	}
	for _, p := range set.Policies() {
		if found[p.Name] < inShort(100) {
			t.Errorf("%s denied only %d times: the inputs do not reach it", p.Name, found[p.Name])
		}
	}
}

// hasRule reports whether a policy has rules of a name.
func hasRule(tb testing.TB, policy, rule string) bool {
	tb.Helper()
	files, err := fs.Glob(policies.FS, policy+"/*.rego")
	if err != nil {
		tb.Fatal(err)
	}
	return slices.ContainsFunc(files, func(name string) bool {
		source, err := fs.ReadFile(policies.FS, name)
		if err != nil {
			tb.Fatal(err)
		}
		return !strings.HasSuffix(name, "_test.rego") && strings.Contains("\n"+string(source), "\n"+rule+" contains ")
	})
}

func shipped(tb testing.TB) *engine.Set {
	tb.Helper()
	set, err := engine.Compile(config.Default(), policies.FS)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// shippedAlone is the set with all policies off but some.
func shippedAlone(tb testing.TB, names ...string) *engine.Set {
	tb.Helper()
	cfg := config.Default()
	cfg.DefaultMode = v1alpha1.ModeOff
	cfg.Policies = map[string]v1alpha1.PolicyConfiguration{}
	for _, name := range names {
		cfg.Policies[name] = v1alpha1.PolicyConfiguration{Mode: v1alpha1.ModeEnforce}
	}
	set, err := engine.Compile(cfg, policies.FS)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

func lines(findings []verdict.Finding) []string {
	out := []string{}
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s %s %s", f.Check, f.Path, f.Message))
	}
	slices.Sort(out)
	return out
}

func linesOf(tb testing.TB, whole any) map[string][]string {
	tb.Helper()
	var rules map[string][]struct{ Check, Path, Msg string }
	if err := json.Unmarshal(mustMarshal(tb, whole), &rules); err != nil {
		tb.Fatal(err)
	}
	out := map[string][]string{"deny": {}, "warn": {}, "audit": {}}
	for rule, findings := range rules {
		out[rule] = []string{}
		for _, f := range findings {
			out[rule] = append(out[rule], fmt.Sprintf("%s %s %s", f.Check, f.Path, f.Msg))
		}
		slices.Sort(out[rule])
	}
	return out
}

// fixtureInputs returns an input for every fixture of every policy.
func fixtureInputs(tb testing.TB) []verdict.Input {
	tb.Helper()
	files, err := fs.Glob(os.DirFS("."), "*/testdata/*.txtar")
	if err != nil || len(files) < 50 {
		tb.Fatalf("%d fixtures: %v", len(files), err)
	}
	var inputs []verdict.Input
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		f, err := fixture.Parse(path.Base(file), data)
		if err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		kind, _ := f.Object["kind"].(string)
		apiVersion, _ := f.Object["apiVersion"].(string)
		version, err := schema.ParseGroupVersion(apiVersion)
		if err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		in := verdict.Input{Request: map[string]any{
			"operation": "CREATE", "kind": map[string]any{"kind": kind, "group": version.Group}, "object": f.Object,
			"userInfo": map[string]any{"username": "alice", "groups": []any{"system:authenticated"}},
		}}
		if kind == "Pod" {
			in.Pod = map[string]any{"path": "", "metadata": f.Object["metadata"], "spec": f.Object["spec"]}
		}
		if f.Old != nil {
			in.Request["operation"], in.Request["oldObject"] = "UPDATE", f.Old
		}
		if f.Old != nil && kind == "Pod" {
			in.OldPod = map[string]any{"path": "", "metadata": f.Old["metadata"], "spec": f.Old["spec"]}
		}
		for _, object := range f.Objects {
			switch object["kind"] {
			case "Namespace":
				in.Namespace = object
			case "Tenant":
				in.Tenant = object
			}
		}
		inputs = append(inputs, in)
	}
	return inputs
}

// crossed puts an input together from the parts of others. Requests about whole
// claims and reports stay by themselves: no pod comes with them.
func crossed(random *rand.Rand, from []verdict.Input) verdict.Input {
	pick := func() verdict.Input {
		for {
			in := from[random.IntN(len(from))]
			group := in.Request["kind"].(map[string]any)["group"]
			if group != "resource.k8s.io" && group != "usher.dev" {
				return in
			}
		}
	}
	in := verdict.Input{Request: pick().Request, OldPod: pick().Pod, Namespace: pick().Namespace, Tenant: withModels(random, pick().Tenant)}
	pod := map[string]any{"path": []any{"", "/spec/template"}[random.IntN(2)]}
	spec := map[string]any{}
	for range 1 + random.IntN(3) {
		other := pick().Pod
		if metadata := other["metadata"]; metadata != nil && random.IntN(2) == 0 {
			pod["metadata"] = metadata
		}
		fields, _ := other["spec"].(map[string]any)
		for key, value := range fields {
			has, _ := spec[key].([]any)
			more, _ := value.([]any)
			switch {
			case random.IntN(3) == 0:
			case has != nil && more != nil:
				spec[key] = slices.Concat(has, more)
			default:
				spec[key] = value
			}
		}
	}
	pod["spec"] = spec
	in.Pod = pod
	return in
}

// withModels lets every third tenant use some GPU models only.
func withModels(random *rand.Rand, tenant map[string]any) map[string]any {
	spec, ok := tenant["spec"].(map[string]any)
	if !ok || random.IntN(3) > 0 {
		return tenant
	}
	gpu, _ := spec["gpu"].(map[string]any)
	gpu, spec, tenant = maps.Clone(gpu), maps.Clone(spec), maps.Clone(tenant)
	if gpu == nil {
		gpu = map[string]any{}
	}
	gpu["models"] = []any{"NVIDIA-H100-80GB-HBM3"}
	spec["gpu"] = gpu
	tenant["spec"] = spec
	return tenant
}
