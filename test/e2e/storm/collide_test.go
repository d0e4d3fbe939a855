package storm

import (
	"context"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
)

// collider sees the name that the API server has generated for a pod, and takes it
// before the API server can: the API server then generates another name and
// validates the pod again, without mutating it again.
type collider struct {
	cluster *cluster
	most    int

	mu sync.Mutex
	// names are those that were taken, by reservation.
	names map[string][]string
}

func (c *collider) take(ctx context.Context, pod *corev1.Pod) (patch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := pod.Labels[v1alpha1.ReservationLabel]
	if len(c.names[id]) == c.most {
		return nil, nil
	}
	c.names[id] = append(c.names[id], pod.Name)
	_, err := c.cluster.admin.CoreV1().Pods(pod.Namespace).Create(ctx, podOf(pod.Namespace, pod.Name, nil), metav1.CreateOptions{})
	return nil, err
}

// TestARepeatedRequestReservesOnce: the API server validates a pod again when the
// name that it generated is taken. With a limit of one GPU, a second reservation
// for it would be refused.
func TestARepeatedRequestReservesOnce(t *testing.T) {
	const repeats = 4
	n := shared.tenant(t, "collide", `perTenant: "1"`, "collide")
	c := &collider{cluster: shared, most: repeats, names: map[string][]string{}}
	shared.hook(t, validating, "collide", c.take)
	pods := shared.client(t).CoreV1().Pods("collide")
	created := await.Success(t, patience, "a pod that the other webhook saw", func() (*corev1.Pod, error) {
		pod, err := pods.Create(t.Context(), hooked(podOf("collide", "", devices{wholeGPU: 1})), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if taken := c.names[pod.Labels[v1alpha1.ReservationLabel]]; len(taken) == 0 {
			// It was made before the API server had heard of the webhook.
			must(t, pods.Delete(t.Context(), pod.Name, atOnce()))
			n.settled(t, patience)
			return nil, errNotSeen
		}
		return pod, nil
	})
	taken := c.names[created.Labels[v1alpha1.ReservationLabel]]
	t.Logf("names that were taken: %v; the pod is %s", taken, created.Name)
	if len(taken) != repeats {
		t.Errorf("%d names were taken for one reservation, want %d", len(taken), repeats)
	}
	n.settled(t, patience)
	if figures := n.intact(t); figures.Peak != 1e6 {
		t.Errorf("at most %s were held and reserved, want 1", gpus(figures.Peak))
	}
	n.clear(t)
}
