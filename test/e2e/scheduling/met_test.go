package scheduling

import (
	"errors"
	"testing"

	"usher.dev/usher/test/e2e/await"
)

// expectMet checks that a pod's GPUs are linked as it requires.
func (f *fleet) expectMet(t *testing.T, namespace, pod, required string) {
	t.Helper()
	await.Success(t, patience, pod+" has its GPUs", func() (struct{}, error) {
		node, grants := f.grantsOf(namespace, pod)
		if node == nil {
			return struct{}{}, errors.New("no kubelet has handed out any")
		}
		var devices []string
		for _, g := range grants {
			devices = append(devices, g.Devices...)
		}
		if v := violation(node.Hardware(), devices, required); v != "" {
			t.Errorf("%s on %s: %s", pod, node.Name(), v)
		}
		return struct{}{}, nil
	})
}

// expectNoRefusal checks that every pod that was bound got its devices, and
// nobody the devices of another.
func (f *fleet) expectNoRefusal(t *testing.T) {
	t.Helper()
	for _, refusal := range f.Refused() {
		t.Errorf("a pod was placed where devices were short: %s", refusal)
	}
	for _, name := range sortedKeys(f.nodes) {
		for _, doubled := range doubleBooked(f.nodes[name]) {
			t.Error(doubled)
		}
	}
}
