package agent

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"

	"usher.dev/usher/api/v1alpha1"
)

func TestWithoutAKubeletDevicesAreHandedOutByDefault(t *testing.T) {
	whole, cut := gpu("a"), gpu("b")
	whole.mig = &v1alpha1.MIG{}
	cut.mig = &v1alpha1.MIG{Enabled: true, Instances: []v1alpha1.MIGInstance{
		{UUID: "MIG-2", Profile: "1g.5gb+me"}, {UUID: "MIG-1", Profile: "3g.20gb"}, {UUID: "MIG-3", Profile: "3g.20gb"},
	}}
	var facts Facts
	probes := []Probe{inventoryProbe, migProbe, allocationProbe}
	must(t, gathered(t, &facts, &Machine{Driver: newFakeDriver(whole, cut, gpu("c"))}, probes...))
	report(t, "resources", cmp.Diff([]v1alpha1.DeviceResource{
		{Name: "nvidia.com/gpu", Devices: []string{"GPU-a", "GPU-c"}, Replicas: 1},
		{Name: "nvidia.com/mig-1g.5gb.me", Devices: []string{"MIG-2"}, Replicas: 1},
		{Name: "nvidia.com/mig-3g.20gb", Devices: []string{"MIG-1", "MIG-3"}, Replicas: 1},
	}, computed(&facts, probes...).Resources))
}

func TestWhatTheKubeletHandsOut(t *testing.T) {
	kubelet := &fakeKubelet{allocatable: []*podresources.ContainerDevices{
		devices("nvidia.com/gpu", "GPU-b"),
		devices("nvidia.com/gpu", "GPU-a"),
		devices("nvidia.com/gpu", "GPU-a"), // once for each NUMA node
		devices("nvidia.com/gpu.shared", "GPU-c::0", "GPU-c::1", "GPU-c::10", "GPU-c::0"),
		devices("rdma/hca", "mlx5_0"),
	}}
	var facts Facts
	must(t, gathered(t, &facts, &Machine{Kubelet: kubelet}, allocationProbe))
	report(t, "resources", cmp.Diff([]v1alpha1.DeviceResource{
		{Name: "nvidia.com/gpu", Devices: []string{"GPU-a", "GPU-b"}, Replicas: 1},
		{Name: "nvidia.com/gpu.shared", Devices: []string{"GPU-c"}, Replicas: 3},
	}, computed(&facts, allocationProbe).Resources))
}

func TestWhoHoldsWhat(t *testing.T) {
	claim := func(device string) *podresources.PodResources {
		return &podresources.PodResources{Namespace: "team-b", Name: "claims-" + device, Containers: []*podresources.ContainerResources{{
			Name: "main",
			DynamicResources: []*podresources.DynamicResource{{ClaimName: "one", ClaimNamespace: "team-b", ClaimResources: []*podresources.ClaimResource{
				{DriverName: "gpu.nvidia.com", PoolName: "gpu-1", DeviceName: device},
				{DriverName: "compute-domain.nvidia.com", PoolName: "gpu-1", DeviceName: "channel-0"},
			}}},
		}}}
	}
	claimed := func(device, uuid string) v1alpha1.Allocation {
		return v1alpha1.Allocation{Device: uuid, Resource: "gpu.nvidia.com", Namespace: "team-b", Pod: "claims-" + device, Container: "main", Claim: "one"}
	}
	held := func(device, replica, resource, pod string) v1alpha1.Allocation {
		return v1alpha1.Allocation{Device: device, Replica: replica, Resource: resource, Namespace: "team-a", Pod: pod, Container: "main"}
	}
	for _, tt := range []struct {
		name string
		pods []*podresources.PodResources
		want []v1alpha1.Allocation
	}{
		{"nobody holds anything", []*podresources.PodResources{pod("idle"), pod("cpu", devices("rdma/hca", "mlx5_0"))}, nil},
		{"whole GPUs, in order", []*podresources.PodResources{pod("train", devices("nvidia.com/gpu", "GPU-b", "GPU-a"))}, []v1alpha1.Allocation{
			held("GPU-a", "", "nvidia.com/gpu", "train"), held("GPU-b", "", "nvidia.com/gpu", "train"),
		}},
		{"a pod that has ended and its successor", []*podresources.PodResources{pod("new", devices("nvidia.com/gpu", "GPU-a")), pod("ended", devices("nvidia.com/gpu", "GPU-a"))}, []v1alpha1.Allocation{
			held("GPU-a", "", "nvidia.com/gpu", "ended"), held("GPU-a", "", "nvidia.com/gpu", "new"),
		}},
		{"a device that is listed for each NUMA node", []*podresources.PodResources{pod("train", devices("nvidia.com/gpu", "GPU-a"), devices("nvidia.com/gpu", "GPU-a"))}, []v1alpha1.Allocation{
			held("GPU-a", "", "nvidia.com/gpu", "train"),
		}},
		{"shares, in the order of their numbers", []*podresources.PodResources{pod("b", devices("nvidia.com/gpu.shared", "GPU-a::10")), pod("a", devices("nvidia.com/gpu.shared", "GPU-a::9"))}, []v1alpha1.Allocation{
			held("GPU-a", "9", "nvidia.com/gpu.shared", "a"), held("GPU-a", "10", "nvidia.com/gpu.shared", "b"),
		}},
		{"a MIG device", []*podresources.PodResources{pod("infer", devices("nvidia.com/mig-3g.20gb", "MIG-1"))}, []v1alpha1.Allocation{
			held("MIG-1", "", "nvidia.com/mig-3g.20gb", "infer"),
		}},
		{"a GPU that was claimed", []*podresources.PodResources{claim("gpu-0")}, []v1alpha1.Allocation{claimed("gpu-0", "GPU-a")}},
		{"a MIG device that was claimed, by profile ID", []*podresources.PodResources{claim("gpu-1-mig-9-4-4")}, []v1alpha1.Allocation{claimed("gpu-1-mig-9-4-4", "MIG-2")}},
		{"a MIG device that was claimed, by profile", []*podresources.PodResources{claim("gpu-1-mig-3g20gb-9-0")}, []v1alpha1.Allocation{claimed("gpu-1-mig-3g20gb-9-0", "MIG-1")}},
		{"a MIG device that is not there counts as its GPU", []*podresources.PodResources{claim("gpu-1-mig-9-7-1")}, []v1alpha1.Allocation{claimed("gpu-1-mig-9-7-1", "GPU-b")}},
		{"claims of GPUs that are not there", []*podresources.PodResources{claim("gpu-7"), claim("tpu-0"), claim("gpu-99999999999999999999")}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cut := gpu("b")
			cut.mig = &v1alpha1.MIG{Enabled: true, Instances: []v1alpha1.MIGInstance{{UUID: "MIG-1", Profile: "3g.20gb", Start: 0, Size: 4}, {UUID: "MIG-2", Profile: "3g.20gb", Start: 4, Size: 4}}}
			machine := &Machine{Driver: newFakeDriver(gpu("a"), cut), Kubelet: &fakeKubelet{pods: tt.pods}}
			var facts Facts
			probes := []Probe{inventoryProbe, migProbe, allocationProbe}
			must(t, gathered(t, &facts, machine, probes...))
			report(t, "allocations", cmp.Diff(tt.want, computed(&facts, probes...).Allocations))
		})
	}
}

func TestWhatTheKubeletSaidLastStands(t *testing.T) {
	kubelet := &fakeKubelet{
		allocatable: []*podresources.ContainerDevices{devices("nvidia.com/gpu", "GPU-a")},
		pods:        []*podresources.PodResources{pod("train", devices("nvidia.com/gpu", "GPU-a"))},
	}
	facts := Facts{Now: noon}
	must(t, gathered(t, &facts, &Machine{Kubelet: kubelet}, allocationProbe))
	want := computed(&facts, allocationProbe)
	kubelet.err = errors.New("connection refused")
	if err := gathered(t, &facts, &Machine{Kubelet: kubelet}, allocationProbe); !errors.Is(err, kubelet.err) {
		t.Errorf("error %v", err)
	}
	report(t, "allocation", cmp.Diff(want, computed(&facts, allocationProbe)))
}

// A kubelet that was just started offers every device and lists no pod.
func TestAKubeletThatDoesNotKnowItsPodsYetIsNotBelieved(t *testing.T) {
	gpus := []*podresources.ContainerDevices{devices("nvidia.com/gpu", "GPU-a", "GPU-b")}
	train, own := pod("train", devices("nvidia.com/gpu", "GPU-a")), pod("usher-agent-x")
	kubelet := &fakeKubelet{allocatable: gpus, pods: []*podresources.PodResources{train, own}}
	machine := &Machine{Kubelet: kubelet, Pod: own.GetNamespace() + "/usher-agent-x"}
	facts := Facts{Now: noon}
	must(t, gathered(t, &facts, machine, allocationProbe))
	want := computed(&facts, allocationProbe)

	for _, listed := range [][]*podresources.PodResources{nil, {train}, {pod("usher-agent-y")}} {
		kubelet.pods = listed
		err := gathered(t, &facts, machine, allocationProbe)
		if err == nil || !strings.Contains(err.Error(), "does not know its pods yet") {
			t.Errorf("of a kubelet that lists %v: error %v", listed, err)
		}
		report(t, "allocation", cmp.Diff(want, computed(&facts, allocationProbe)))
	}

	kubelet.pods = []*podresources.PodResources{own}
	must(t, gathered(t, &facts, machine, allocationProbe))
	if held := computed(&facts, allocationProbe).Allocations; held != nil {
		t.Errorf("%v is held by a pod that is gone", held)
	}
}

func TestMoreAllocationsThanAReportHoldsAreAnError(t *testing.T) {
	var ids []string
	for i := range 1025 {
		ids = append(ids, fmt.Sprintf("GPU-a::%d", i))
	}
	var facts Facts
	err := gathered(t, &facts, &Machine{Kubelet: &fakeKubelet{pods: []*podresources.PodResources{pod("many", devices("nvidia.com/gpu", ids...))}}}, allocationProbe)
	if err == nil || err.Error() != "the kubelet names 1025 allocations, and a report holds 1024" {
		t.Errorf("error %v", err)
	}
}
