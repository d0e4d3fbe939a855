// Package fakenode stands in for what a KWOK node lacks of a GPU node: the
// kubelet's device manager, which hands devices to the pods bound to the node
// and tells agents of them, and behind it NVIDIA's device plugin, which picks
// them. KWOK plays the rest of the kubelet.
package fakenode
