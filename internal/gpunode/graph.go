// Package gpunode reads GPUNodes from files, makes topology graphs of them and
// prints them.
package gpunode

import (
	"fmt"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/topology"
)

// Graph is the topology of a node's GPUs, by position in status.gpus.
func Graph(n *v1alpha1.GPUNode) (*topology.Graph, error) {
	gpus := make([]topology.GPU, len(n.Status.GPUs))
	for i, gpu := range n.Status.GPUs {
		gpus[i].NUMA = -1
		if gpu.NUMANode != nil {
			gpus[i].NUMA = int(*gpu.NUMANode)
		}
	}
	pairs := make([]topology.Pair, len(n.Status.Links))
	for i, l := range n.Status.Links {
		path, err := topology.ParsePath(string(l.Path))
		if err != nil {
			return nil, fmt.Errorf("GPUNode %s: status.links[%d].path: %w", n.Name, i, err)
		}
		pairs[i] = topology.Pair{A: int(l.A), B: int(l.B), Link: topology.Link{Path: path, Lanes: int(l.NVLinkLanes), Switch: l.NVSwitch}}
	}
	g, err := topology.New(gpus, pairs)
	if err != nil {
		return nil, fmt.Errorf("GPUNode %s: %w", n.Name, err)
	}
	return g, nil
}

// Free is the set of GPUs, by position in status.gpus, that the device plugin may
// hand out whole for a resource such as nvidia.com/gpu: those that the resource
// lists unshared, that are not Unhealthy nor partitioned, and of which nobody
// holds anything.
func Free(n *v1alpha1.GPUNode, resource string) topology.Set {
	held := map[string]bool{}
	for _, a := range n.Status.Allocations {
		held[a.Device] = true
	}
	listed := map[string]bool{}
	for _, r := range n.Status.Resources {
		if r.Name == resource && r.Replicas <= 1 {
			for _, device := range r.Devices {
				listed[device] = true
			}
		}
	}
	var free topology.Set
	for i, gpu := range n.Status.GPUs {
		partitioned := gpu.MIG != nil && gpu.MIG.Enabled
		if listed[gpu.UUID] && !held[gpu.UUID] && !partitioned && gpu.Health != v1alpha1.Unhealthy {
			free = free.With(i)
		}
	}
	return free
}
