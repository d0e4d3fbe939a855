package agent

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"
)

// Kubelet says which devices there are to hand out and who holds which.
type Kubelet interface {
	// Allocatable lists the devices of each resource, whoever holds them.
	Allocatable(context.Context) ([]*podresources.ContainerDevices, error)
	// Pods lists the node's pods, with what they hold. Kubelets before 1.34 also
	// list pods that have ended (kubernetes#119423). None lists what is kept for
	// init containers that have ended.
	Pods(context.Context) ([]*podresources.PodResources, error)
}

const (
	// kubeletTimeout bounds one question.
	kubeletTimeout = 10 * time.Second
	// kubeletMaxMessage is what kubectl's own clients of this API allow for.
	kubeletMaxMessage = 16 << 20
)

// PodResources asks the kubelet's PodResources API, version 1. It connects when
// it is asked, and again after the kubelet was restarted.
type PodResources struct {
	connection *grpc.ClientConn
	client     podresources.PodResourcesListerClient
}

var _ Kubelet = (*PodResources)(nil)

// NewPodResources returns a client of the API behind a unix socket, which need
// not be there yet.
func NewPodResources(socket string) (*PodResources, error) {
	// A kubelet that was restarted is found again within seconds, not within
	// gRPC's own two minutes.
	retry := backoff.DefaultConfig
	retry.MaxDelay = 2 * time.Second
	connection, err := grpc.NewClient("unix:"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: kubeletTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(kubeletMaxMessage)),
	)
	if err != nil {
		return nil, fmt.Errorf("kubelet socket %q: %w", socket, err)
	}
	return &PodResources{connection: connection, client: podresources.NewPodResourcesListerClient(connection)}, nil
}

// Allocatable asks GetAllocatableResources.
func (p *PodResources) Allocatable(ctx context.Context) ([]*podresources.ContainerDevices, error) {
	ctx, cancel := context.WithTimeout(ctx, kubeletTimeout)
	defer cancel()
	answer, err := p.client.GetAllocatableResources(ctx, &podresources.AllocatableResourcesRequest{})
	return answer.GetDevices(), err
}

// Pods asks List.
func (p *PodResources) Pods(ctx context.Context) ([]*podresources.PodResources, error) {
	ctx, cancel := context.WithTimeout(ctx, kubeletTimeout)
	defer cancel()
	answer, err := p.client.List(ctx, &podresources.ListPodResourcesRequest{})
	return answer.GetPodResources(), err
}

// Close ends the connection.
func (p *PodResources) Close() error { return p.connection.Close() }
