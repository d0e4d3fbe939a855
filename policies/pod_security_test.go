package policies_test

import (
	"cmp"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/policies"
)

// podSecurityFixtures is how many fixtures k8s.io/pod-security-admission 0.37.2
// has. A newer version has others: look what changed before raising it.
const podSecurityFixtures = 4537

// TestPodSecurityFixtures judges every fixture of Kubernetes' own tests at its
// level and version.
func TestPodSecurityFixtures(t *testing.T) {
	upstream := newUpstream(t)
	judge := newPodSecurity(t, nil)
	folder := path.Join(moduleFolder(t, "k8s.io/pod-security-admission"), "test/testdata")
	files, err := fs.Glob(os.DirFS(folder), "*/*/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != podSecurityFixtures {
		t.Errorf("%d fixtures below %s, want %d", len(files), folder, podSecurityFixtures)
	}
	standsFor := namesOfChecks()
	named := regexp.MustCompile(`^([a-z_]+)[0-9]+\.yaml$`)
	for i, file := range files {
		if testing.Short() && i%10 > 0 {
			continue
		}
		parts := strings.Split(file, "/")
		level, version, expected, name := parts[0], parts[1], parts[2], parts[3]
		pod := readPod(t, path.Join(folder, file))
		got := judge.failing(t, pod, level, version)
		if want := upstream.failing(t, pod, level, version); !slices.Equal(got, want) {
			t.Errorf("%s fails %v, want %v", file, got, want)
		}
		switch match := named.FindStringSubmatch(name); {
		case expected == "pass":
			if len(got) > 0 {
				t.Errorf("%s fails %v", file, got)
			}
		case match == nil:
			t.Errorf("%s names no check", file)
		case !slices.ContainsFunc(got, func(id string) bool { return slices.Contains(standsFor[id], match[1]) }):
			t.Errorf("%s fails %v, want %s", file, got, match[1])
		}
	}
}

// namesOfChecks returns the names that fixtures give to each check: its own and
// those of the checks whose place it takes.
func namesOfChecks() map[string][]string {
	names := map[string][]string{}
	for _, check := range policy.DefaultChecks() {
		id := string(check.ID)
		names[id] = append(names[id], strings.ToLower(id))
		for _, version := range check.Versions {
			for _, overridden := range version.OverrideCheckIDs {
				names[id] = append(names[id], strings.ToLower(string(overridden)))
			}
		}
	}
	return names
}

// podSecurity asks the policy as the webhook does.
type podSecurity struct{ set *engine.Set }

func newPodSecurity(tb testing.TB, parameters map[string]string) podSecurity {
	tb.Helper()
	return compilePodSecurity(tb, parameters, podSecurityFiles(tb))
}

func compilePodSecurity(tb testing.TB, parameters map[string]string, files fs.FS) podSecurity {
	tb.Helper()
	configured := v1alpha1.PolicyConfiguration{Mode: v1alpha1.ModeEnforce, Parameters: map[string]apiextensionsv1.JSON{}}
	for name, value := range parameters {
		configured.Parameters[name] = apiextensionsv1.JSON{Raw: mustMarshal(tb, value)}
	}
	set, err := engine.Compile(&v1alpha1.AdmissionConfiguration{
		TenantLabel: "tenant",
		Policies:    map[string]v1alpha1.PolicyConfiguration{"pod_security": configured},
	}, files)
	if err != nil {
		tb.Fatal(err)
	}
	return podSecurity{set}
}

// podSecurityFiles are the policy and the library, without the other policies.
func podSecurityFiles(tb testing.TB) fstest.MapFS {
	tb.Helper()
	files := fstest.MapFS{}
	for _, pattern := range []string{"pod_security/*.rego", "lib/*.rego"} {
		names, err := fs.Glob(policies.FS, pattern)
		if err != nil {
			tb.Fatal(err)
		}
		for _, name := range names {
			data, err := policies.FS.ReadFile(name)
			if err != nil {
				tb.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: data}
		}
	}
	return files
}

func (p podSecurity) judge(tb testing.TB, in verdict.Input) verdict.Result {
	tb.Helper()
	results := p.set.Validate(tb.Context(), in)
	if len(results) != 1 || results[0].Err != nil {
		tb.Fatalf("judge: %+v", results)
	}
	return results[0]
}

// failing returns the checks that a pod fails at an enforced level and version.
func (p podSecurity) failing(tb testing.TB, pod *corev1.Pod, level, version string) []string {
	tb.Helper()
	return checksOf(p.judge(tb, verdict.Input{
		Pod:       judgedPod(tb, pod),
		Namespace: labelled(map[string]string{api.EnforceLevelLabel: level, api.EnforceVersionLabel: version}),
	}).Deny)
}

func checksOf(findings []verdict.Finding) []string {
	ids := map[string]bool{}
	for _, f := range findings {
		if f.Check != "namespace-label" { // what upstream says in an audit annotation
			ids[f.Check] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// judgedPod is a pod as the policies see it.
func judgedPod(tb testing.TB, pod *corev1.Pod) map[string]any {
	tb.Helper()
	var object map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(mustMarshal(tb, pod), &object); err != nil {
		tb.Fatal(err)
	}
	return map[string]any{"metadata": object["metadata"], "spec": object["spec"], "path": ""}
}

func labelled(labels map[string]string) map[string]any {
	values := make(map[string]any, len(labels))
	for key, value := range labels {
		values[key] = value
	}
	return map[string]any{"metadata": map[string]any{"labels": values}}
}

// upstream is Kubernetes' own evaluator, made to tell which checks fail.
type upstream struct{ policy.Evaluator }

// newUpstream makes the evaluator put each check's id in the place of its
// reason. observe, if any, sees the outcome of every check.
func newUpstream(tb testing.TB, observe ...func(check policy.Check, revision int, allowed bool)) upstream {
	tb.Helper()
	checks := policy.DefaultChecks()
	for _, check := range checks {
		for i := range check.Versions {
			original := check.Versions[i].CheckPod
			check.Versions[i].CheckPod = func(m *metav1.ObjectMeta, s *corev1.PodSpec) policy.CheckResult {
				result := original(m, s)
				result.ForbiddenReason = string(check.ID)
				for _, o := range observe {
					o(check, i, result.Allowed)
				}
				return result
			}
		}
	}
	evaluator, err := policy.NewEvaluator(checks, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return upstream{evaluator}
}

func (u upstream) failing(tb testing.TB, pod *corev1.Pod, level, version string) []string {
	tb.Helper()
	lv := api.LevelVersion{Level: api.Level(level)}
	var err error
	if lv.Version, err = api.ParseVersion(version); err != nil {
		tb.Fatal(err)
	}
	var ids []string
	for _, result := range u.EvaluatePod(lv, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			ids = append(ids, result.ForbiddenReason)
		}
	}
	slices.SortFunc(ids, cmp.Compare)
	return ids
}

func moduleFolder(tb testing.TB, module string) string {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		tb.Fatalf("find the source of %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

func readPod(tb testing.TB, file string) *corev1.Pod {
	tb.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	pod := &corev1.Pod{}
	if err := yaml.UnmarshalStrict(data, pod); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	for i := range pod.Spec.Volumes {
		// The API server does this before anyone judges the pod.
		if source := &pod.Spec.Volumes[i].VolumeSource; *source == (corev1.VolumeSource{}) {
			source.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	return pod
}

func mustMarshal(tb testing.TB, value any) []byte {
	tb.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
