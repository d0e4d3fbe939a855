//go:build linux

package node_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/internal/gpunode"
	"usher.dev/usher/test/e2e/await"
)

// The kubelet keeps what an init container had for as long as the pod is there,
// gives the other containers of it what they need, and tells nobody of the rest:
// PodResources lists no init containers. A report can therefore call GPUs free
// that the kubelet will not hand out. This holds the kubelet to it, so that a
// release that changes it is noticed.
func TestWhatAnInitContainerKeepsIsNotReported(t *testing.T) {
	needsNode(t)
	s := startSoak(t, machines[0], nil)
	greedy := &pod{name: "greedy", containers: []container{
		{resource: wholeGPUs, size: 6, init: true},
		{resource: wholeGPUs, size: 2},
	}}
	var err error
	if greedy.uid, err = shared.createPod(t.Context(), greedy.name, greedy.containers...); err != nil {
		t.Fatal(err)
	}
	s.pods = append(s.pods, greedy)
	s.settle()
	if free := gpunode.Free(s.report, wholeGPUs); free.Len() != 6 {
		t.Errorf("the report calls %d GPUs free", free.Len())
	}
	booked, err := checkpoint(map[string]string{greedy.uid: greedy.name})
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, a := range booked {
		if !slices.Contains(kept, a.Device) {
			kept = append(kept, a.Device)
		}
	}
	if len(kept) != 6 {
		t.Errorf("the kubelet keeps %d GPUs of the pod", len(kept))
	}

	if _, err := shared.createPod(t.Context(), "hopeful", container{resource: wholeGPUs, size: 3}); err != nil {
		t.Fatal(err)
	}
	await.Success(t, patience, "the kubelet refuses a pod that wants more than it will hand out", func() (any, error) {
		phase, why, err := shared.phase(t.Context(), "hopeful")
		if err == nil && phase != corev1.PodFailed {
			err = errors.Join(errors.New("it has not failed"), fmt.Errorf("%s %s", phase, why))
		}
		return nil, err
	})
	if err := shared.deletePod(t.Context(), "hopeful"); err != nil {
		t.Fatal(err)
	}
	s.clear()
}
