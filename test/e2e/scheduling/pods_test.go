package scheduling

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/test/e2e/await"
)

const (
	gpuScheduler     = "gpu-topology-scheduler"
	defaultScheduler = corev1.DefaultSchedulerName
	topologyKey      = "usher.dev/gpu-topology"
)

// patience is how long a change may take to reach everyone on a busy machine. A
// scheduler tries a pod again 30 to 60 seconds after an extender refused it,
// when nothing else that it watches has changed.
const patience = 2 * time.Minute

// ask is what one pod asks for.
type ask struct {
	resource string
	count    int64
	// topology is what is required of its GPUs' links; empty is no annotation.
	topology string
}

func (a ask) String() string {
	switch {
	case a.count == 0:
		return "no GPU"
	case a.topology == "":
		return fmt.Sprintf("%d %s", a.count, a.resource)
	default:
		return fmt.Sprintf("%d %s, %s", a.count, a.resource, a.topology)
	}
}

// pod is a pod that asks, of one container.
func (a ask) pod(namespace, name, scheduler string) *corev1.Pod {
	limits := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("1"),
		corev1.ResourceMemory: resource.MustParse("1Gi"),
	}
	if a.count > 0 {
		limits[corev1.ResourceName(a.resource)] = *resource.NewQuantity(a.count, resource.DecimalSI)
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: corev1.PodSpec{
			SchedulerName: scheduler,
			Containers: []corev1.Container{{
				Name: "trainer", Image: "trainer:1",
				Resources: corev1.ResourceRequirements{Limits: limits, Requests: limits},
			}},
		},
	}
	if a.topology != "" {
		pod.Annotations = map[string]string{topologyKey: a.topology}
	}
	return pod
}

// create creates a pod.
func (c *cluster) create(t *testing.T, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	created, err := c.client.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// remove deletes a pod and waits until it is gone.
func (c *cluster) remove(t *testing.T, namespace, name string) {
	t.Helper()
	if err := c.client.CoreV1().Pods(namespace).Delete(t.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	await.Success(t, patience, name+" is gone", func() (struct{}, error) {
		_, err := c.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		return struct{}{}, expectNotFound(err)
	})
}

// waitBound waits until a pod is bound and returns its node.
func (c *cluster) waitBound(t *testing.T, namespace, name string) string {
	t.Helper()
	return await.Success(t, patience, name+" is bound", func() (string, error) {
		pod, err := c.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err == nil && pod.Spec.NodeName == "" {
			err = errors.New(waitsFor(pod))
		}
		if err != nil {
			return "", err
		}
		return pod.Spec.NodeName, nil
	})
}

// waitRefused waits until the scheduler has tried a pod and found no node, and
// returns why.
func (c *cluster) waitRefused(t *testing.T, namespace, name string) string {
	t.Helper()
	return await.Success(t, patience, name+" is unschedulable", func() (string, error) {
		pod, err := c.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		switch {
		case err != nil:
			return "", err
		case pod.Spec.NodeName != "":
			t.Fatalf("%s is bound to %s", name, pod.Spec.NodeName)
		}
		if condition := scheduled(pod); condition != nil && condition.Reason == corev1.PodReasonUnschedulable {
			return condition.Message, nil
		}
		return "", errors.New("it was not tried yet")
	})
}

// list returns the pods of a namespace.
func (c *cluster) list(ctx context.Context, namespace string) ([]corev1.Pod, error) {
	pods, err := c.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return pods.Items, nil
}

func scheduled(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodScheduled {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// waitsFor is what the scheduler said of a pod that is not bound.
func waitsFor(pod *corev1.Pod) string {
	if condition := scheduled(pod); condition != nil {
		return condition.Reason + ": " + condition.Message
	}
	return "no scheduler has tried it"
}
