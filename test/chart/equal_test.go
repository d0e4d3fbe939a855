package chart

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// digestSuffix is what kustomize puts behind the name of a ConfigMap.
var digestSuffix = regexp.MustCompile(`-[0-9a-z]{10}$`)

// configDigest rolls the chart's workloads, as the name of the ConfigMap does
// kustomize's.
const configDigest = "usher.dev/config-digest"

// TestChartAndKustomizeRenderTheSameObjects compares each overlay with the chart by
// the values file of the same name.
func TestChartAndKustomizeRenderTheSameObjects(t *testing.T) {
	overlays, err := filepath.Glob(filepath.Join(root, "manifests/overlays/*"))
	must(t, err)
	var names []string
	for _, overlay := range overlays {
		names = append(names, filepath.Base(overlay))
	}
	if !slices.Equal(names, profiles) {
		t.Fatalf("overlays %q, profiles of the chart %q", names, profiles)
	}
	for _, name := range profiles {
		t.Run(name, func(t *testing.T) {
			kustomize := comparableObjects(t, build(t, "overlays/"+name))
			helm := comparableObjects(t, render(t, profile(name)...))
			if diff := cmp.Diff(kustomize, helm); diff != "" {
				t.Errorf("kustomize (-), helm (+):\n%s", diff)
			}
			if len(helm) < 30 {
				t.Errorf("only %d objects", len(helm))
			}
		})
	}
}

// comparableObjects returns objects by kind, namespace and name, without what must differ:
// kustomize makes the namespace, and puts the digest of a configuration into the
// name of its ConfigMap; Helm has hooks, and is told to keep CRDs.
func comparableObjects(t *testing.T, objects []object) map[string]object {
	t.Helper()
	all := map[string]object{}
	for _, o := range objects {
		if kind(o) == "Namespace" || isHook(o) {
			continue
		}
		metadata := o["metadata"].(map[string]any)
		if annotations, ok := metadata["annotations"].(map[string]any); ok {
			delete(annotations, "helm.sh/resource-policy")
		}
		switch kind(o) {
		case "ConfigMap":
			metadata["name"] = digestSuffix.ReplaceAllString(name(o), "")
			o["data"] = parsed(t, o["data"].(map[string]any))
		case "Deployment", "DaemonSet":
			withoutDigests(o)
		case "FlowSchema", "PriorityLevelConfiguration":
			// kustomize does not know that these have no namespace; kubectl does.
			delete(metadata, "namespace")
		}
		key := strings.Join([]string{kind(o), text(o, "metadata", "namespace"), name(o)}, " ")
		if all[key] != nil {
			t.Errorf("%s stands twice", key)
		}
		all[key] = o
	}
	return all
}

// parsed reads the files of a ConfigMap, whose layout does not count.
func parsed(t *testing.T, data map[string]any) map[string]any {
	t.Helper()
	files := map[string]any{}
	for file, content := range data {
		var v any
		must(t, yaml.Unmarshal([]byte(content.(string)), &v))
		files[file] = v
	}
	return files
}

func withoutDigests(workload object) {
	template := value(workload, "spec", "template").(map[string]any)
	metadata := template["metadata"].(map[string]any)
	if annotations, ok := metadata["annotations"].(map[string]any); ok {
		delete(annotations, configDigest)
		if len(annotations) == 0 {
			delete(metadata, "annotations")
		}
	}
	volumes, _ := value(template, "spec", "volumes").([]any)
	for _, volume := range volumes {
		if source, ok := value(volume, "configMap").(map[string]any); ok {
			source["name"] = digestSuffix.ReplaceAllString(source["name"].(string), "")
		}
	}
}

// TestRenderedTwiceNothingDiffers is what GitOps tools rest on.
func TestRenderedTwiceNothingDiffers(t *testing.T) {
	for _, name := range profiles {
		args := append([]string{"template", "usher", chartPath, "-n", namespace}, profile(name)...)
		first, err := run(t, "helm", args...)
		must(t, err)
		second, err := run(t, "helm", args...)
		must(t, err)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%s: rendered again, it differs:\n%s", name, diff)
		}
		// An upgrade installs what an install does; only the hooks know which it is.
		upgrade := render(t, append(profile(name), "--is-upgrade")...)
		if diff := cmp.Diff(comparableObjects(t, decode(t, first)), comparableObjects(t, upgrade)); diff != "" {
			t.Errorf("%s: an upgrade renders other objects:\n%s", name, diff)
		}
	}
}

// TestTheChartsFilesAreTheKustomizations compares the copies that the chart reads
// with what kustomize reads; make generate writes them.
func TestTheChartsFilesAreTheKustomizations(t *testing.T) {
	sources := map[string]string{
		"base": "base", "agent": "agent", "scheduler": "scheduler",
		"cert-manager": "components/cert-manager", "network-policies": "components/network-policies",
	}
	for folder, source := range sources {
		copies := files(t, filepath.Join(root, chartPath, "files", folder))
		originals := files(t, filepath.Join(root, "manifests", source))
		delete(originals, "kustomization.yaml")
		delete(originals, "namespace.yaml")
		if diff := cmp.Diff(originals, copies); diff != "" {
			t.Errorf("%s is no copy of %s; run make generate:\n%s", folder, source, diff)
		}
	}
}
