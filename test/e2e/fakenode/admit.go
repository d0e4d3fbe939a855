package fakenode

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/test/e2e/nvplugin"
)

// admit hands devices to the containers of a pod, in their order, all or
// nothing. It fails as a kubelet does, for which the pod has failed for good.
func (n *Node) admit(pod *corev1.Pod) error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if _, again := n.held[pod.UID]; again {
		return nil
	}
	var grants []Grant
	for _, container := range pod.Spec.Containers {
		for _, name := range slices.Sorted(maps.Keys(container.Resources.Limits)) {
			size := int(container.Resources.Limits.Name(name, "").Value())
			ids, extended := n.devices[string(name)]
			if !extended || size == 0 {
				continue
			}
			available := n.available(ids, grants)
			if len(available) < size {
				return fmt.Errorf("requested number of devices unavailable for %s. Requested: %d, Available: %d", name, size, len(available))
			}
			picked, err := nvplugin.Pick(n.hardware, available, nil, size)
			if err != nil {
				return fmt.Errorf("ask the plugin for %d of %s: %w", size, name, err)
			}
			grants = append(grants, Grant{
				Namespace: pod.Namespace, Pod: pod.Name, Container: container.Name,
				Resource: string(name), Devices: complete(picked, available, size),
			})
		}
	}
	n.held[pod.UID] = grants
	return nil
}

// available are the healthy devices that nobody holds, grants included, in the
// order of a Go map, as the kubelet keeps them.
func (n *Node) available(ids []string, grants []Grant) []string {
	taken := map[string]bool{}
	for _, held := range n.held {
		grants = append(grants, held...)
	}
	for _, g := range grants {
		for _, id := range g.Devices {
			taken[id] = true
		}
	}
	free := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return taken[id] || n.unhealthy[uuidOf(id)] })
	n.order.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	return free
}

// complete is what the kubelet makes of the plugin's preference: as much of it
// as there is, and any others if that is not enough.
func complete(preferred, available []string, size int) []string {
	chosen := slices.Clone(preferred[:min(size, len(preferred))])
	for _, id := range available {
		if len(chosen) == size {
			break
		}
		if !slices.Contains(chosen, id) {
			chosen = append(chosen, id)
		}
	}
	slices.Sort(chosen)
	return chosen
}

// release takes back what a pod holds.
func (n *Node) release(pod *corev1.Pod) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	delete(n.held, pod.UID)
}

// uuidOf is the device of a device ID.
func uuidOf(id string) string {
	uuid, _, _ := strings.Cut(id, "::")
	return uuid
}

func compareGrants(a, b Grant) int {
	return cmp.Or(
		strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Pod, b.Pod),
		strings.Compare(a.Container, b.Container), strings.Compare(a.Resource, b.Resource),
	)
}
