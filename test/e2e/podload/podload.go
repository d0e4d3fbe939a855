// Package podload creates pods by many clients at once and says how long each took:
// what benchmarks of admission put on a cluster.
package podload

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Clients returns clients of one user, each with connections of its own.
func Clients(config *rest.Config, n int) ([]kubernetes.Interface, error) {
	clients := make([]kubernetes.Interface, n)
	for i := range clients {
		mine := *config
		// A dialer of its own keeps client-go from sharing connections.
		mine.Dial = (&net.Dialer{}).DialContext
		var err error
		if clients[i], err = kubernetes.NewForConfig(&mine); err != nil {
			return nil, err
		}
	}
	return clients, nil
}

// Pod is a pod of one container.
func Pod(namespace string, gpus int64) *corev1.Pod {
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

// Create creates pods by all clients at once, and returns how long each took from
// the request to the whole answer. What judge makes of an answer that is not as
// wanted is an error.
func Create(ctx context.Context, clients []kubernetes.Interface, pods []*corev1.Pod, judge func(error) error) ([]time.Duration, error) {
	queue := make(chan *corev1.Pod, len(pods))
	for _, p := range pods {
		queue <- p
	}
	close(queue)
	var group sync.WaitGroup
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	for _, client := range clients {
		group.Go(func() {
			for p := range queue {
				began := time.Now()
				_, err := client.CoreV1().Pods(p.Namespace).Create(ctx, p, metav1.CreateOptions{})
				took := time.Since(began)
				err = judge(err)
				mu.Lock()
				all, failed = append(all, took), errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return all, failed
}

// AtOnce deletes without a grace period.
func AtOnce() metav1.DeleteOptions { return metav1.DeleteOptions{GracePeriodSeconds: new(int64)} }
