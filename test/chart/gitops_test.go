package chart

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const argocd = "manifests/gitops/argocd"

func application(t testing.TB, path string) object {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	must(t, err)
	all := decode(t, string(content))
	if len(all) != 1 || kind(all[0]) != "Application" || text(all[0], "apiVersion") != "argoproj.io/v1alpha1" {
		t.Fatalf("%s holds no Application alone", path)
	}
	return all[0]
}

// TestApplicationsRenderTheChart renders the chart with the values that each
// Application gives it.
func TestApplicationsRenderTheChart(t *testing.T) {
	for _, path := range []string{argocd + "/application.yaml", argocd + "/apps/usher.yaml"} {
		app := application(t, path)
		source := value(app, "spec", "source")
		if text(source, "path") != chartPath {
			t.Fatalf("%s: path %s", path, text(source, "path"))
		}
		values, err := yaml.Marshal(value(source, "helm", "valuesObject"))
		must(t, err)
		file := filepath.Join(t.TempDir(), "values.yaml")
		must(t, os.WriteFile(file, values, 0o600))
		args := []string{"-n", text(app, "spec", "destination", "namespace"), "-f", file}
		for _, f := range value(source, "helm", "valueFiles").([]any) {
			args = append(args, "-f", filepath.Join(chartPath, f.(string)))
		}
		objects := render(t, args...)
		ignored := map[string]bool{}
		for _, difference := range value(app, "spec", "ignoreDifferences").([]any) {
			ignored[text(difference, "kind")+" "+text(difference, "name")] = true
			if diff := cmp.Diff([]any{".webhooks[]?.clientConfig.caBundle"}, value(difference, "jqPathExpressions")); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
		}
		want := map[string]bool{}
		for _, o := range objects {
			if k := kind(o); k == "MutatingWebhookConfiguration" || k == "ValidatingWebhookConfiguration" {
				want[k+" "+name(o)] = true
			}
		}
		if diff := cmp.Diff(want, ignored); diff != "" {
			t.Errorf("%s: CA bundles are injected into (-), and ignored of (+):\n%s", path, diff)
		}
		options := fmt.Sprint(value(app, "spec", "syncPolicy", "syncOptions"))
		if options != "[CreateNamespace=true ServerSideApply=true RespectIgnoreDifferences=true]" {
			t.Errorf("%s: %s", path, options)
		}
		if level := text(app, "spec", "syncPolicy", "managedNamespaceMetadata", "labels", "pod-security.kubernetes.io/enforce"); level != "privileged" {
			t.Errorf("%s: the namespace enforces %q, and does not admit the agent", path, level)
		}
	}
}

// TestTheAppOfAppsBringsCertManagerThenUsherThenTenants goes by the waves.
func TestTheAppOfAppsBringsCertManagerThenUsherThenTenants(t *testing.T) {
	if path := text(application(t, argocd+"/app-of-apps.yaml"), "spec", "source", "path"); path != argocd+"/apps" {
		t.Errorf("the app of apps brings %s", path)
	}
	paths, err := filepath.Glob(filepath.Join(root, argocd, "apps", "*.yaml"))
	must(t, err)
	waves := map[int]string{}
	for _, path := range paths {
		app := application(t, filepath.Join(argocd, "apps", filepath.Base(path)))
		waves[wave(t, app, "argocd.argoproj.io/sync-wave")] = name(app)
	}
	if diff := cmp.Diff(map[int]string{0: "cert-manager", 1: "usher", 2: "tenants"}, waves); diff != "" {
		t.Error(diff)
	}
}

func wave(t testing.TB, o object, annotation string) int {
	t.Helper()
	said := text(o, "metadata", "annotations", annotation)
	if said == "" {
		return 0
	}
	number, err := strconv.Atoi(said)
	must(t, err)
	return number
}

// TestWaves: kinds before objects, and nobody is asked before the Deployments of the
// wave before are ready. Of a hook, what its Job needs comes first.
func TestWaves(t *testing.T) {
	for _, p := range profiles {
		hooks := map[string][]int{}
		for _, o := range render(t, profile(p)...) {
			if isHook(o) {
				at := wave(t, o, "helm.sh/hook-weight")
				if kind(o) == "Job" {
					hooks[text(o, "metadata", "annotations", "helm.sh/hook")] = append(hooks[text(o, "metadata", "annotations", "helm.sh/hook")], at)
				} else if at >= 0 {
					t.Errorf("%s: %s %s of a hook comes at %d, no earlier than its Job", p, kind(o), name(o), at)
				}
				continue
			}
			want := 0
			switch kind(o) {
			case "CustomResourceDefinition":
				want = -1
			case "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
				want = 1
			}
			if got := wave(t, o, "argocd.argoproj.io/sync-wave"); got != want {
				t.Errorf("%s: %s %s comes in wave %d, want %d", p, kind(o), name(o), got, want)
			}
		}
		if diff := cmp.Diff(map[string][]int{"pre-install,pre-upgrade": {0}, "pre-delete": {0}, "post-delete": {0}}, hooks); diff != "" {
			t.Errorf("%s: %s", p, diff)
		}
	}
}

// TestCRDsStay when the release goes, by Helm and by Argo CD, which reads the same
// annotation.
func TestCRDsStay(t *testing.T) {
	var kept []string
	for _, o := range render(t) {
		stays := text(o, "metadata", "annotations", "helm.sh/resource-policy") == "keep"
		if stays != (kind(o) == "CustomResourceDefinition") {
			t.Errorf("%s %s stays: %t", kind(o), name(o), stays)
		}
		if stays {
			kept = append(kept, name(o))
		}
	}
	slices.Sort(kept)
	if want := []string{"gpunodes.usher.dev", "quotaledgers.usher.dev", "tenants.usher.dev"}; !slices.Equal(kept, want) {
		t.Errorf("%v stay", kept)
	}
}
