package main

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"usher.dev/usher/test/e2e/repository"
)

// TestManifestsSetWhatIsRecommended holds the manifests against the row of the usual
// size.
func TestManifestsSetWhatIsRecommended(t *testing.T) {
	for kustomization, of := range map[string][]part{"base": {theWebhook, theController}, "scheduler": {theExtender}, "agent": {theAgent}} {
		manifests, err := repository.Manifests(t.Context(), kustomization)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range of {
			t.Run(string(p), func(t *testing.T) {
				c, _ := containerOf(t, manifests, p)
				a := recommended[usual][p]
				want := map[string]string{
					"cpu request": millicores(a.cpuRequest), "cpu limit": millicores(a.cpuLimit),
					"memory request": fmt.Sprint(a.memoryRequest), "memory limit": fmt.Sprint(a.memoryLimit),
					"GOMEMLIMIT": fmt.Sprintf("%dMiB", softLimit(a.memoryLimit)),
				}
				r := c.Resources
				got := map[string]string{
					"cpu request": millicores(int(r.Requests.Cpu().MilliValue())), "cpu limit": millicores(int(r.Limits.Cpu().MilliValue())),
					"memory request": fmt.Sprint(r.Requests.Memory().Value() >> 20), "memory limit": fmt.Sprint(r.Limits.Memory().Value() >> 20),
				}
				if i := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "GOMEMLIMIT" }); i >= 0 {
					got["GOMEMLIMIT"] = c.Env[i].Value
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("what manifests/%s sets differs from the recommended; change both, and run `make sizing` (-recommended +set):\n%s", kustomization, diff)
				}
			})
		}
	}
}

func TestProductionHasTheReplicasThatAreRecommended(t *testing.T) {
	const overlay = "overlays/production"
	if _, err := os.Stat(repository.Working().Path("manifests/" + overlay)); err != nil {
		t.Skip("there is no overlay for production:", err)
	}
	manifests, err := repository.Manifests(t.Context(), overlay)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []part{theWebhook, theController, theExtender} {
		if _, replicas := containerOf(t, manifests, p); replicas != recommended[usual][p].replicas {
			t.Errorf("%s has %d replicas, and %d are recommended", p, replicas, recommended[usual][p].replicas)
		}
	}
}

// containerOf finds the container of a part by its image, and the replicas of what
// it is in.
func containerOf(t *testing.T, manifests []*unstructured.Unstructured, of part) (corev1.Container, int) {
	t.Helper()
	for _, object := range manifests {
		if kind := object.GetKind(); kind != "Deployment" && kind != "DaemonSet" {
			continue
		}
		var read struct {
			Spec struct {
				Replicas int                    `json:"replicas"`
				Template corev1.PodTemplateSpec `json:"template"`
			} `json:"spec"`
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &read); err != nil {
			t.Fatal(err)
		}
		pod := read.Spec.Template.Spec
		for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
			if c.Image == string(of)+":devel" || c.Image == string(of) {
				return c, read.Spec.Replicas
			}
		}
	}
	t.Fatalf("no container has the image %s", of)
	return corev1.Container{}, 0
}
