package agent

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"

	"usher.dev/usher/api/v1alpha1"
)

// fakeKubeletServer serves the kubelet's API on a unix socket.
type fakeKubeletServer struct {
	podresources.UnimplementedPodResourcesListerServer
	pods []*podresources.PodResources
}

func (s *fakeKubeletServer) List(context.Context, *podresources.ListPodResourcesRequest) (*podresources.ListPodResourcesResponse, error) {
	return &podresources.ListPodResourcesResponse{PodResources: s.pods}, nil
}

func (s *fakeKubeletServer) GetAllocatableResources(context.Context, *podresources.AllocatableResourcesRequest) (*podresources.AllocatableResourcesResponse, error) {
	return &podresources.AllocatableResourcesResponse{Devices: []*podresources.ContainerDevices{devices("nvidia.com/gpu", "GPU-a", "GPU-b")}}, nil
}

// serve starts a kubelet; the returned function stops it, and with it goes its
// socket.
func (s *fakeKubeletServer) serve(t *testing.T, socket string) (stop func()) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	must(t, err)
	server := grpc.NewServer()
	podresources.RegisterPodResourcesListerServer(server, s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return func() {
		server.Stop()
		<-done
	}
}

func TestAKubeletThatIsRestartedIsFoundAgain(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "kubelet.sock")
	client, err := NewPodResources(socket)
	must(t, err)
	t.Cleanup(func() { must(t, client.Close()) })
	a, clock := newAgent(&Machine{Driver: newFakeDriver(gpu("a"), gpu("b")), Kubelet: client})
	ready := func() string { return a.Round(t.Context()).Conditions[0].Reason }

	if got := ready(); got != "AllocationUnknown" {
		t.Errorf("before the kubelet is there: %s", got)
	}
	first := &fakeKubeletServer{pods: []*podresources.PodResources{pod("train", devices("nvidia.com/gpu", "GPU-a"))}}
	stop := first.serve(t, socket)
	until(t, func() bool { return ready() == "Complete" })
	held := func(device, pod string) []v1alpha1.Allocation {
		return []v1alpha1.Allocation{{Device: device, Resource: "nvidia.com/gpu", Namespace: "team-a", Pod: pod, Container: "main"}}
	}
	report(t, "allocations", cmp.Diff(held("GPU-a", "train"), a.previous.Allocations))

	stop()
	until(t, func() bool { ready(); return a.facts.Kubelet.Err != nil })
	if got := ready(); got != "Complete" {
		t.Errorf("right after the kubelet went: %s", got)
	}
	report(t, "allocations while it is away", cmp.Diff(held("GPU-a", "train"), a.previous.Allocations))
	clock.Step(allocationGrace)
	if got := ready(); got != "AllocationUnknown" {
		t.Errorf("a minute later: %s", got)
	}

	second := &fakeKubeletServer{pods: []*podresources.PodResources{pod("infer", devices("nvidia.com/gpu", "GPU-b"))}}
	defer second.serve(t, socket)()
	until(t, func() bool { return ready() == "Complete" })
	report(t, "allocations after the restart", cmp.Diff(held("GPU-b", "infer"), a.previous.Allocations))
	report(t, "resources", cmp.Diff([]v1alpha1.DeviceResource{{Name: "nvidia.com/gpu", Devices: []string{"GPU-a", "GPU-b"}, Replicas: 1}}, a.previous.Resources))
}

// until waits for something that other goroutines bring about.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about")
		}
	}
}
