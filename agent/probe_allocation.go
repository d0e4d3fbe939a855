package agent

import (
	"context"
	"fmt"
	"slices"
	"time"

	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"

	"usher.dev/usher/api/v1alpha1"
)

const (
	// maxAllocations is the most that a report holds.
	maxAllocations = 1024
	// allocationGrace is how long a kubelet may be away before pods are no longer
	// placed by what it said last. While it is away it starts none.
	allocationGrace = time.Minute
)

// KubeletFacts are what the kubelet said last.
type KubeletFacts struct {
	// Asked is false where there is no kubelet to ask.
	Asked bool
	// Answered is when it last did; zero if it never has.
	Answered time.Time
	// Err is why it has not answered in this round.
	Err error

	Allocatable []*podresources.ContainerDevices
	Pods        []*podresources.PodResources
}

// allocationProbe tells which resources hand out which devices, and who holds
// them. A kubelet that does not answer is judged by the report's conditions.
var allocationProbe = Probe{
	Name:    "allocation",
	Gather:  gatherAllocation,
	Compute: computeAllocation,
}

func gatherAllocation(ctx context.Context, m *Machine, f *Facts) error {
	f.Kubelet.Asked = m.Kubelet != nil
	if m.Kubelet == nil {
		return nil
	}
	f.Kubelet.Err = f.Kubelet.read(ctx, m.Kubelet, m.Pod, f.Now)
	return f.Kubelet.Err
}

func (k *KubeletFacts) read(ctx context.Context, kubelet Kubelet, own string, now time.Time) error {
	pods, err := kubelet.Pods(ctx)
	if err != nil {
		return fmt.Errorf("ask the kubelet for allocations: %w", err)
	}
	// A kubelet that was restarted answers before it has read from the API server
	// which pods it runs, as if nobody held anything.
	if own != "" && !lists(pods, own) {
		return fmt.Errorf("the kubelet does not list %s, in which the agent runs: it does not know its pods yet", own)
	}
	// Later than the pods, so that what they hold is in it.
	allocatable, err := kubelet.Allocatable(ctx)
	if err != nil {
		return fmt.Errorf("ask the kubelet for devices: %w", err)
	}
	if n := len(allocationsOf(pods, &v1alpha1.GPUNodeStatus{}, nil)); n > maxAllocations {
		return fmt.Errorf("the kubelet names %d allocations, and a report holds %d", n, maxAllocations)
	}
	k.Pods, k.Allocatable, k.Answered = pods, allocatable, now
	return nil
}

// lists says whether a pod, by namespace/name, is among those that a kubelet lists.
func lists(pods []*podresources.PodResources, name string) bool {
	return slices.ContainsFunc(pods, func(p *podresources.PodResources) bool {
		return p.GetNamespace()+"/"+p.GetName() == name
	})
}

func computeAllocation(f *Facts, status *v1alpha1.GPUNodeStatus) {
	if !f.Kubelet.Asked {
		if len(status.Resources) == 0 {
			status.Resources = defaultResources(status.GPUs)
		}
		return
	}
	status.Resources = resourcesOf(f.Kubelet.Allocatable)
	status.Allocations = allocationsOf(f.Kubelet.Pods, status, f.minors())
}

// minors returns the positions of GPUs by minor number, as in /dev/nvidia0.
func (f *Facts) minors() map[int]int {
	minors := make(map[int]int, len(f.GPUs))
	for i, g := range f.GPUs {
		minors[g.Minor] = i
	}
	return minors
}
