package e2e

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestPodsWhoseLinksMatter sends pods as their users write them, and looks at
// what the API server stores.
func TestPodsWhoseLinksMatter(t *testing.T) {
	namespace, u := shared.namespace(t, "links", "tenant-a"), shared.as(t, developer)
	type stored struct{ Scheduler, Topology string }
	of := func(pod map[string]any) stored {
		scheduler, _, _ := unstructured.NestedString(pod, "spec", "schedulerName")
		topology, _, _ := unstructured.NestedString(pod, "metadata", "annotations", "usher.dev/gpu-topology")
		return stored{scheduler, topology}
	}
	ask := func(gpus, nccl string) func(pod map[string]any) {
		return func(pod map[string]any) {
			container := pod["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
			set(t, container, gpus, "resources", "limits", "nvidia.com/gpu")
			if nccl != "" {
				container["env"] = []any{map[string]any{"name": "NCCL_TOPOLOGY", "value": nccl}}
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(pod map[string]any)
		want   stored
	}{
		{"one GPU", ask("1", ""), stored{"default-scheduler", ""}},
		{"two GPUs", ask("2", ""), stored{"gpu-topology-scheduler", ""}},
		{"NVLink by the variable", ask("2", "NVLINK"), stored{"gpu-topology-scheduler", "nvlink"}},
		{"one NUMA node by the annotation", func(pod map[string]any) {
			ask("1", "")(pod)
			set(t, pod, "numa", "metadata", "annotations", "usher.dev/gpu-topology")
		}, stored{"gpu-topology-scheduler", "numa"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			object := generated(t, newObject(t, podKinds[0], namespace, ""))
			tt.change(object.Object)
			made, err := u.create(t.Context(), pods, object)
			if err != nil {
				t.Fatal(err)
			}
			if got := of(made.Object); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	t.Run("a template stays as it is", func(t *testing.T) {
		for _, kind := range podKinds {
			if kind.resource != deployments {
				continue
			}
			object := newObject(t, kind, namespace, "links")
			ask("2", "NVLINK")(podOf(t, kind, object))
			made, err := u.create(t.Context(), kind.resource, object)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := of(podOf(t, kind, made)), (stored{"default-scheduler", ""}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
	})
	t.Run("a scheduler that does not know", func(t *testing.T) {
		object := generated(t, newObject(t, podKinds[0], namespace, ""))
		ask("2", "NVLINK")(object.Object)
		set(t, object.Object, "tenant-scheduler", "spec", "schedulerName")
		_, err := u.create(t.Context(), pods, object)
		want := []violation{
			{"gpu_scheduling/scheduler", "spec.schedulerName"},
			{"tenant_isolation/scheduler-name", "spec.schedulerName"},
		}
		if got, _ := denial(err); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v: %v", got, want, err)
		}
	})
}
