//go:build linux

package node_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
)

// watchReports collects the reports from now on, until the function that it
// returns is called.
func watchReports(t *testing.T) func() []*v1alpha1.GPUNode {
	t.Helper()
	watcher, err := shared.objects.Resource(gpuNodes).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var reports []*v1alpha1.GPUNode
	done := make(chan error, 1)
	go func() {
		var failed error
		for event := range watcher.ResultChan() {
			object, ok := event.Object.(*unstructured.Unstructured)
			if !ok {
				continue
			}
			report := &v1alpha1.GPUNode{}
			failed = errors.Join(failed, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, report))
			reports = append(reports, report)
		}
		done <- failed
	}()
	return func() []*v1alpha1.GPUNode {
		watcher.Stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		return reports
	}
}

// findLies looks through reports that were made while no pod came, for those that
// say that they are whole and leave out what is, and always was, in hand.
func (s *soak) findLies(reports []*v1alpha1.GPUNode) {
	s.t.Helper()
	for _, report := range reports {
		if !meta.IsStatusConditionTrue(report.Status.Conditions, v1alpha1.ConditionReady) {
			continue
		}
		for _, held := range s.report.Status.Allocations {
			if !slices.Contains(report.Status.Allocations, held) {
				s.t.Errorf("report %d is Ready and does not know that %s has %s in hand", report.Status.Sequence, held.Pod, held.Device)
			}
		}
	}
}

// awaitAllocationKnown waits until the report says that the agent does, or does
// not, know who holds what.
func (s *soak) awaitAllocationKnown(known bool) {
	s.t.Helper()
	await.Success(s.t, patience, "the agent notices that the kubelet is away, or back", func() (any, error) {
		report, err := shared.report(s.t.Context())
		if err == nil && meta.IsStatusConditionTrue(report.Status.Conditions, v1alpha1.ConditionAllocationKnown) != known {
			err = fmt.Errorf("%s is %t", v1alpha1.ConditionAllocationKnown, !known)
		}
		return nil, err
	})
}
