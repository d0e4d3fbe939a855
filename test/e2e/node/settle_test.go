//go:build linux

package node_test

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
)

// state is what a report says of who has what.
type state struct {
	Ready       bool
	Resources   []v1alpha1.DeviceResource
	Allocations []v1alpha1.Allocation
}

func stateOf(report *v1alpha1.GPUNode) state {
	return state{
		Ready:       meta.IsStatusConditionTrue(report.Status.Conditions, v1alpha1.ConditionReady),
		Resources:   report.Status.Resources,
		Allocations: report.Status.Allocations,
	}
}

// settle waits until the containers of all pods have what they asked for, and the
// report says just that.
func (s *soak) settle() {
	s.t.Helper()
	s.settleWith(s.hardware.Status.Resources)
}

// settleWith is settle while these are the resources that can be handed out.
func (s *soak) settleWith(resources []v1alpha1.DeviceResource) {
	s.t.Helper()
	held := await.Success(s.t, patience, "every container has what it asked for", s.handedOut)
	reached := time.Now()
	s.report = await.Success(s.t, patience, "the report is what was handed out", func() (*v1alpha1.GPUNode, error) {
		report, err := shared.report(s.t.Context())
		if err != nil {
			return nil, err
		}
		if diff := cmp.Diff(state{true, resources, held}, stateOf(report)); diff != "" {
			return nil, fmt.Errorf("want (-), got (+): %s", diff)
		}
		return report, nil
	})
	s.delays = append(s.delays, time.Since(reached))
}

// handedOut is what the containers have, once it is what the pods ask for. The
// kubelet's own books must agree.
func (s *soak) handedOut() ([]v1alpha1.Allocation, error) {
	type holder struct{ Pod, Container, Resource string }
	want, uids, inits := map[holder]int{}, map[string]string{}, map[holder]bool{}
	for _, p := range s.pods {
		for i, c := range p.containers {
			h := holder{p.name, containerName(i), c.resource}
			switch {
			case c.holds():
				want[h] = c.size
				uids[p.uid] = p.name
			case c.init:
				inits[h] = true
			}
		}
	}
	held, err := handedOut()
	if err != nil {
		return nil, err
	}
	got := map[holder]int{}
	for _, a := range held {
		got[holder{a.Pod, a.Container, a.Resource}]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return nil, fmt.Errorf("want (-), got (+): %s", diff)
	}
	if len(held) == 0 {
		return nil, nil
	}
	booked, err := checkpoint(uids)
	if err != nil {
		return nil, err
	}
	var running []v1alpha1.Allocation
	for _, a := range booked {
		if !inits[holder{a.Pod, a.Container, a.Resource}] {
			running = append(running, a)
		}
	}
	if diff := cmp.Diff(running, held); diff != "" {
		return nil, fmt.Errorf("the kubelet's checkpoint (-), the containers (+): %s", diff)
	}
	return held, nil
}
