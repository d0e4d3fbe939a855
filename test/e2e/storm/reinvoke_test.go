package storm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
)

// errNotSeen says that the API server has not heard of a webhook yet.
var errNotSeen = errors.New("the other webhook was not asked")

// extra is a container with a GPU that another webhook adds.
func extra(name string) map[string]any {
	return map[string]any{"op": "add", "path": "/spec/containers/-", "value": container(name, devices{wholeGPU: 1})}
}

func has(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == name })
}

// TestWhatAnotherWebhookAddsIsReserved: mutating webhooks that come after usher add
// containers with GPUs, and take usher's label away.
func TestWhatAnotherWebhookAddsIsReserved(t *testing.T) {
	n := shared.tenant(t, "reinvoked", `perTenant: "8"`, "reinvoked")
	var mu sync.Mutex
	asked := 0
	shared.hook(t, mutating, "reinvoked", func(_ context.Context, pod *corev1.Pod) (patch, error) {
		mu.Lock()
		asked++
		mu.Unlock()
		switch pod.Annotations["case"] {
		case "adds":
			if !has(pod, "extra") {
				return patch{extra("extra")}, nil
			}
		case "adds at the second time":
			// Which it is told by what it did the first time.
			if pod.Labels["seen"] == "" {
				return patch{{"op": "add", "path": "/metadata/labels/seen", "value": "once"}}, nil
			}
			if !has(pod, "extra") {
				return patch{extra("extra")}, nil
			}
		case "takes the label":
			if pod.Labels[v1alpha1.ReservationLabel] != "" {
				return patch{{"op": "remove", "path": "/metadata/labels/usher.dev~1reservation"}}, nil
			}
		}
		return nil, nil
	})
	pods := shared.client(t).CoreV1().Pods("reinvoked")
	await.Success(t, patience, "the other webhook is asked", func() (struct{}, error) {
		created, err := pods.Create(t.Context(), hooked(podOf("reinvoked", "", nil)), metav1.CreateOptions{})
		must(t, err)
		must(t, pods.Delete(t.Context(), created.Name, atOnce()))
		mu.Lock()
		defer mu.Unlock()
		if asked == 0 {
			return struct{}{}, errNotSeen
		}
		return struct{}{}, nil
	})
	for _, test := range []struct {
		name, does string
		asks       devices
		want       int64
		denied     string
	}{
		{"a pod that asks for none gets one", "adds", nil, 1, ""},
		{"a pod that asks for one gets another", "adds", devices{wholeGPU: 1}, 2, ""},
		{"a pod that asks for one gets another when the webhooks are asked again", "adds at the second time", devices{wholeGPU: 1}, 2, ""},
		{"a pod whose label is taken is not admitted", "takes the label", devices{wholeGPU: 1}, 0, "bears the ID of their reservation"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := n.used(t)
			pod := hooked(podOf("reinvoked", "", test.asks))
			pod.Annotations = map[string]string{"case": test.does}
			created, err := pods.Create(t.Context(), pod, metav1.CreateOptions{})
			if test.denied != "" {
				if err == nil || !strings.Contains(err.Error(), test.denied) {
					t.Errorf("got %v", err)
				}
				return
			}
			must(t, err)
			if created.Labels[v1alpha1.ReservationLabel] == "" {
				t.Error("it has no reservation")
			}
			n.settled(t, patience)
			if got := n.used(t) - before; got != test.want*1e6 {
				t.Errorf("%s were counted, want %d", gpus(got), test.want)
			}
		})
	}
	n.intact(t)
	n.clear(t)
}

// TestWhatAUserWritesIntoTheLabelIsOverwritten: nobody lives on another's
// reservation, and a dry run makes none.
func TestWhatAUserWritesIntoTheLabelIsOverwritten(t *testing.T) {
	n := shared.tenant(t, "forged", `perTenant: "2"`, "forged")
	pods := shared.client(t).CoreV1().Pods("forged")
	first, err := pods.Create(t.Context(), podOf("forged", "", devices{wholeGPU: 1}), metav1.CreateOptions{})
	must(t, err)
	forged := podOf("forged", "", devices{wholeGPU: 1})
	forged.Labels = map[string]string{v1alpha1.ReservationLabel: first.Labels[v1alpha1.ReservationLabel]}
	second, err := pods.Create(t.Context(), forged, metav1.CreateOptions{})
	must(t, err)
	if second.Labels[v1alpha1.ReservationLabel] == first.Labels[v1alpha1.ReservationLabel] {
		t.Error("two pods have one reservation")
	}
	third := forged.DeepCopy()
	if _, err := pods.Create(t.Context(), third, metav1.CreateOptions{}); !isRefusal(err) {
		t.Errorf("got %v", err)
	}
	n.clear(t)
	for range 3 {
		if _, err := pods.Create(t.Context(), podOf("forged", "", devices{wholeGPU: 2}), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
			t.Errorf("a dry run with room: %v", err)
		}
	}
	if _, err := pods.Create(t.Context(), podOf("forged", "", devices{wholeGPU: 3}), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); !isRefusal(err) {
		t.Errorf("a dry run without room: %v", err)
	}
	n.settled(t, patience)
	n.intact(t)
}
