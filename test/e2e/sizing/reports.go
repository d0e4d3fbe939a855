package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/repository"
)

// writers is how many agents report at once.
const writers = 8

// reports has agents report, and says what one report costs the webhooks, each of
// which is asked whose it is.
func (s *site) reports(ctx context.Context) (time.Duration, error) {
	fmt.Fprintln(os.Stderr, "reports of agents")
	read, err := repository.Working().Decoded("testdata/gpunodes/dgx-h100.yaml")
	if err != nil {
		return 0, err
	}
	nodes := s.objects.Resource(v1alpha1.GroupVersion.WithResource("gpunodes"))
	stored := make([]*unstructured.Unstructured, writers)
	for i := range stored {
		o := read[0].DeepCopy()
		o.SetName(fmt.Sprintf("reports-%d", i))
		if stored[i], err = nodes.Create(ctx, o, metav1.CreateOptions{}); err != nil {
			return 0, err
		}
		stored[i].Object["status"] = o.Object["status"]
	}
	before, err := used(s.Webhooks)
	if err != nil {
		return 0, err
	}
	var group sync.WaitGroup
	failed := make([]error, writers)
	for i, o := range stored {
		group.Go(func() {
			for sequence := range s.plan.reports / writers {
				if failed[i] = unstructured.SetNestedField(o.Object, int64(sequence+1), "status", "sequence"); failed[i] != nil {
					return
				}
				status := o.Object["status"]
				if o, failed[i] = nodes.UpdateStatus(ctx, o, metav1.UpdateOptions{}); failed[i] != nil {
					return
				}
				o.Object["status"] = status
			}
		})
	}
	group.Wait()
	for _, err := range failed {
		if err != nil {
			return 0, fmt.Errorf("report: %w", err)
		}
	}
	after, err := used(s.Webhooks)
	if err != nil {
		return 0, err
	}
	for _, o := range stored {
		if err := nodes.Delete(ctx, o.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return 0, err
		}
	}
	return (after - before) / time.Duration(s.plan.reports/writers*writers), nil
}
