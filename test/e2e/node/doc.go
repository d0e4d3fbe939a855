// Package node runs one real Kubernetes node on this machine: containerd, and a
// kubelet whose pods really run, from an image that no registry holds.
//
// It needs Linux and root. Everything runs in namespaces of its own (processes,
// mounts, network), which the kernel takes down when the test ends, however it
// ends: no process, mount, network interface or file of the node outlives it.
package node
