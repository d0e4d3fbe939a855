package main

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"usher.dev/usher/test/e2e/podload"
)

// keepLabel is on pods that stay from round to round.
const keepLabel = "stays"

var errRoom = errors.New("a pod was admitted that has no room")

// create creates pods of a workload by all clients at once, and returns how long
// each took. A wrong answer is an error.
func (c *cluster) create(ctx context.Context, w workload, count int, stay bool) ([]time.Duration, error) {
	pods := make([]*corev1.Pod, count)
	for i := range pods {
		pods[i] = podload.Pod(w.tenants[i%len(w.tenants)], w.gpus)
		if stay {
			pods[i].Labels = map[string]string{keepLabel: "yes"}
		}
	}
	return podload.Create(ctx, c.clients, pods, func(err error) error {
		switch {
		case w.refused && err == nil:
			return errRoom
		case w.refused && apierrors.IsForbidden(err):
			return nil
		}
		return err
	})
}
