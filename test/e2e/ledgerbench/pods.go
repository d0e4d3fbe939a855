package main

import (
	"context"
	"errors"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// keepLabel is on pods that stay from round to round.
const keepLabel = "stays"

// pod is a pod of one container.
func pod(namespace string, gpus int64) *corev1.Pod {
	limits := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("100m"),
		corev1.ResourceMemory: resource.MustParse("64Mi"),
	}
	if gpus > 0 {
		limits["nvidia.com/gpu"] = *resource.NewQuantity(gpus, resource.DecimalSI)
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "bench-"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "main", Image: "trainer:1", Resources: corev1.ResourceRequirements{Limits: limits, Requests: limits},
		}}},
	}
}

// atOnce deletes without a grace period.
func atOnce() metav1.DeleteOptions { return metav1.DeleteOptions{GracePeriodSeconds: new(int64)} }

var errRoom = errors.New("a pod was admitted that has no room")

// create creates pods of a workload by all clients at once, and returns how long
// each took. A wrong answer is an error.
func (c *cluster) create(ctx context.Context, w workload, pods int, stay bool) ([]time.Duration, error) {
	queue := make(chan *corev1.Pod, pods)
	for i := range pods {
		p := pod(w.tenants[i%len(w.tenants)], w.gpus)
		if stay {
			p.Labels = map[string]string{keepLabel: "yes"}
		}
		queue <- p
	}
	close(queue)
	var group sync.WaitGroup
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	for _, client := range c.clients {
		group.Go(func() {
			for p := range queue {
				began := time.Now()
				_, err := client.CoreV1().Pods(p.Namespace).Create(ctx, p, metav1.CreateOptions{})
				took := time.Since(began)
				switch {
				case w.refused && err == nil:
					err = errRoom
				case w.refused && apierrors.IsForbidden(err):
					err = nil
				}
				mu.Lock()
				all, failed = append(all, took), errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return all, failed
}
