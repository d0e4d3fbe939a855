package scheduling

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/test/e2e/await"
)

// leaveFree fills a node with pods of one GPU, past any scheduler, and takes
// those away that hold the GPUs at the positions given. The agent has reported
// it when leaveFree returns.
func (f *fleet) leaveFree(t *testing.T, name string, free ...int) {
	t.Helper()
	// Where usher judges nobody: only schedulers may bind a tenant's pods.
	const namespace = metav1.NamespaceSystem
	node := f.nodes[name]
	hardware := node.Hardware()
	holders := len(hardware.Status.GPUs)
	for i := range holders {
		pod := ask{gpus, 1, ""}.pod(namespace, fmt.Sprintf("%s-holder-%d", name, i), defaultScheduler)
		pod.Spec.NodeName = name
		f.cluster.create(t, pod)
	}
	await.Success(t, patience, name+" is full", func() (struct{}, error) {
		var err error
		if held := len(node.Grants()); held != holders {
			err = fmt.Errorf("%d GPUs are held", held)
		}
		return struct{}{}, err
	})
	for _, g := range node.Grants() {
		if slices.Contains(free, positionsOf(hardware, g.Devices)[0]) {
			f.cluster.remove(t, namespace, g.Pod)
		}
	}
	f.waitHeld(t, name, holders-len(free))
}

// freeGPU is the position of a GPU of a node that nobody holds.
func (f *fleet) freeGPU(name string) int {
	node := f.nodes[name]
	held := map[int]bool{}
	for _, g := range node.Grants() {
		for _, position := range positionsOf(node.Hardware(), g.Devices) {
			held[position] = true
		}
	}
	free := 0
	for held[free] {
		free++
	}
	return free
}

// waitHeld waits until a node's report names as many holders.
func (f *fleet) waitHeld(t *testing.T, name string, want int) {
	t.Helper()
	await.Success(t, patience, fmt.Sprintf("%s is reported with %d GPUs held", name, want), func() (struct{}, error) {
		node, err := f.report(t.Context(), name)
		if err == nil && len(node.Status.Allocations) != want {
			err = fmt.Errorf("it has %d", len(node.Status.Allocations))
		}
		return struct{}{}, err
	})
}

// expectGPUs checks which GPUs of a node a pod was handed, by position.
func (f *fleet) expectGPUs(t *testing.T, namespace, pod, name string, want ...int) {
	t.Helper()
	devices := await.Success(t, patience, pod+" has its GPUs", func() ([]string, error) {
		node, grants := f.grantsOf(namespace, pod)
		switch {
		case node == nil:
			return nil, errors.New("no kubelet has handed out any")
		case node.Name() != name:
			return nil, fmt.Errorf("it has those of %s", node.Name())
		}
		var devices []string
		for _, g := range grants {
			devices = append(devices, g.Devices...)
		}
		return devices, nil
	})
	if diff := cmp.Diff(want, positionsOf(f.nodes[name].Hardware(), devices)); diff != "" {
		t.Errorf("the GPUs of %s differ (want -, got +):\n%s", pod, diff)
	}
}
