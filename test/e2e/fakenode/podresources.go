package fakenode

import (
	"context"
	"fmt"
	"net"
	"slices"

	"google.golang.org/grpc"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"
)

// Serve answers the kubelet's PodResources API (v1) on a unix socket, until ctx
// ends. A path is limited to some hundred bytes.
func (n *Node) Serve(ctx context.Context, socket string) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("serve the devices of %s: %w", n.name, err)
	}
	server := grpc.NewServer()
	podresources.RegisterPodResourcesListerServer(server, lister{node: n})
	context.AfterFunc(ctx, server.Stop)
	go func() { _ = server.Serve(listener) }()
	return nil
}

// lister is a node as the PodResources API shows it.
type lister struct {
	podresources.UnimplementedPodResourcesListerServer
	node *Node
}

// List implements podresources.PodResourcesListerServer.
func (l lister) List(context.Context, *podresources.ListPodResourcesRequest) (*podresources.ListPodResourcesResponse, error) {
	response := &podresources.ListPodResourcesResponse{}
	var pod *podresources.PodResources
	var container *podresources.ContainerResources
	for _, g := range l.node.Grants() {
		if pod == nil || pod.Namespace != g.Namespace || pod.Name != g.Pod {
			pod, container = &podresources.PodResources{Namespace: g.Namespace, Name: g.Pod}, nil
			response.PodResources = append(response.PodResources, pod)
		}
		if container == nil || container.Name != g.Container {
			container = &podresources.ContainerResources{Name: g.Container}
			pod.Containers = append(pod.Containers, container)
		}
		container.Devices = append(container.Devices, &podresources.ContainerDevices{ResourceName: g.Resource, DeviceIds: g.Devices})
	}
	return response, nil
}

// GetAllocatableResources implements podresources.PodResourcesListerServer.
// Like the kubelet, it names healthy devices only.
func (l lister) GetAllocatableResources(context.Context, *podresources.AllocatableResourcesRequest) (*podresources.AllocatableResourcesResponse, error) {
	l.node.mutex.Lock()
	defer l.node.mutex.Unlock()
	response := &podresources.AllocatableResourcesResponse{}
	for _, r := range l.node.hardware.Status.Resources {
		healthy := slices.DeleteFunc(slices.Clone(l.node.devices[r.Name]), func(id string) bool { return l.node.unhealthy[uuidOf(id)] })
		response.Devices = append(response.Devices, &podresources.ContainerDevices{ResourceName: r.Name, DeviceIds: healthy})
	}
	return response, nil
}
