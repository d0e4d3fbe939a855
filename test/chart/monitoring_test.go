package chart

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// TestMonitoringIsTheComponent compares what monitoring.enabled adds to the chart with
// what manifests/monitoring adds to an overlay.
func TestMonitoringIsTheComponent(t *testing.T) {
	kustomize := comparableObjects(t, buildWith(t, "monitoring"))
	helm := comparableObjects(t, render(t, append(profile("production"), "--set", "monitoring.enabled=true")...))
	if diff := cmp.Diff(kustomize, helm); diff != "" {
		t.Errorf("kustomize (-), helm (+):\n%s", diff)
	}
	kinds := map[string]int{}
	for _, o := range helm {
		kinds[kind(o)]++
	}
	for kind, want := range map[string]int{"PodMonitor": 4, "PrometheusRule": 1, "Secret": 1} {
		if kinds[kind] != want {
			t.Errorf("%d objects of kind %s, want %d", kinds[kind], kind, want)
		}
	}
}

// TestMIGIsTheComponent does so of nodes with MIG.
func TestMIGIsTheComponent(t *testing.T) {
	kustomize := comparableObjects(t, buildWith(t, "components/agent-mig"))
	helm := comparableObjects(t, render(t, append(profile("production"), "--set", "agent.mig=true")...))
	if diff := cmp.Diff(kustomize, helm); diff != "" {
		t.Errorf("kustomize (-), helm (+):\n%s", diff)
	}
}

// buildWith builds the overlay production with a component more.
func buildWith(t *testing.T, component string) []object {
	t.Helper()
	folder := t.TempDir()
	here, err := filepath.EvalSymlinks(folder)
	must(t, err)
	manifests, err := filepath.Abs(filepath.Join(root, "manifests"))
	must(t, err)
	to := func(path string) []string {
		relative, err := filepath.Rel(here, filepath.Join(manifests, path))
		must(t, err)
		return []string{relative}
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
		"resources": to("overlays/production"), "components": to(component),
	})
	must(t, err)
	must(t, os.WriteFile(filepath.Join(folder, "kustomization.yaml"), text, 0o600))
	built, err := run(t, "kustomize", "build", folder)
	must(t, err)
	return decode(t, built)
}

// What reads metrics may do nothing else.
func TestTheReaderOfMetricsReadsMetricsAlone(t *testing.T) {
	for _, o := range render(t, "--set", "monitoring.enabled=true") {
		if kind(o) != "ClusterRole" || name(o) != "usher-metrics-reader" {
			continue
		}
		want := []any{object{"nonResourceURLs": []any{"/metrics"}, "verbs": []any{"get"}}}
		if diff := cmp.Diff(want, o["rules"]); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		return
	}
	t.Error("no ClusterRole usher-metrics-reader")
}
