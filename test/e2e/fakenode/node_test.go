package fakenode

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"

	"usher.dev/usher/api/v1alpha1"
)

const (
	wholes = "nvidia.com/gpu"
	shares = "nvidia.com/gpu.shared"
)

// box has four GPUs a to d, of which a and c, and b and d, are linked, and a
// fifth in two shares.
func box() *v1alpha1.GPUNode {
	node := &v1alpha1.GPUNode{}
	for i, uuid := range []string{"a", "b", "c", "d", "e"} {
		node.Status.GPUs = append(node.Status.GPUs, v1alpha1.GPU{Index: int32(i), UUID: uuid})
		for j := range i {
			link := v1alpha1.GPULink{A: int32(j), B: int32(i), Path: "SYS"}
			if i-j == 2 {
				link.NVLinkLanes = 4
			}
			node.Status.Links = append(node.Status.Links, link)
		}
	}
	node.Status.Resources = []v1alpha1.DeviceResource{
		{Name: wholes, Devices: []string{"a", "b", "c", "d"}, Replicas: 1},
		{Name: shares, Devices: []string{"e"}, Replicas: 2},
	}
	return node
}

// pod asks for devices of one resource, a container for each number.
func pod(name, resourceName string, sizes ...int64) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "team", UID: types.UID(name)}}
	p.Spec.NodeName = "box"
	for i, size := range sizes {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{
			Name: fmt.Sprintf("c%d", i),
			Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{
				corev1.ResourceName(resourceName): *resource.NewQuantity(size, resource.DecimalSI),
				corev1.ResourceCPU:                resource.MustParse("1"),
			}},
		})
	}
	return p
}

func TestLinkedGPUsAreHandedOutTogether(t *testing.T) {
	n := New("box", box(), 1)
	for _, p := range []*corev1.Pod{pod("first", wholes, 2), pod("second", wholes, 1, 1)} {
		if err := n.admit(p); err != nil {
			t.Fatal(err)
		}
	}
	grants := n.Grants()
	if pair := strings.Join(grants[0].Devices, ""); pair != "ac" && pair != "bd" {
		t.Errorf("the first pod got %s, which are not linked", pair)
	}
	held := map[string]string{}
	for _, g := range grants {
		for _, id := range g.Devices {
			if held[id] != "" {
				t.Errorf("%s is held by %s and %s", id, held[id], g.Container)
			}
			held[id] = g.Pod + g.Container
		}
	}
	if len(held) != 4 {
		t.Errorf("%d GPUs are held, want 4: %v", len(held), grants)
	}
}

func TestAPodGetsAllOfItsDevicesOrNone(t *testing.T) {
	n := New("box", box(), 1)
	if err := n.admit(pod("holder", wholes, 1)); err != nil {
		t.Fatal(err)
	}
	before := n.Grants()
	err := n.admit(pod("late", wholes, 2, 2))
	const want = "requested number of devices unavailable for nvidia.com/gpu. Requested: 2, Available: 1"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if diff := cmp.Diff(before, n.Grants()); diff != "" {
		t.Errorf("a refused pod changed what is held:\n%s", diff)
	}
	n.release(pod("holder", wholes, 1))
	if err := n.admit(pod("late", wholes, 2, 2)); err != nil {
		t.Errorf("all are free again, but: %v", err)
	}
}

func TestAnUnhealthyGPUIsNotHandedOut(t *testing.T) {
	client := fake.NewClientset()
	n := New("box", box(), 1)
	if err := n.Register(t.Context(), client, nil); err != nil {
		t.Fatal(err)
	}
	allocatable := func() int64 {
		node, err := client.CoreV1().Nodes().Get(t.Context(), "box", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return node.Status.Allocatable.Name(wholes, "").Value()
	}
	if err := n.SetHealthy(t.Context(), client, "b", false); err != nil {
		t.Fatal(err)
	}
	if got := allocatable(); got != 3 {
		t.Errorf("%d GPUs are allocatable, want 3", got)
	}
	if err := n.admit(pod("greedy", wholes, 4)); err == nil {
		t.Error("four of three GPUs were handed out")
	}
	if err := n.admit(pod("modest", wholes, 3)); err != nil {
		t.Error(err)
	}
	if err := n.SetHealthy(t.Context(), client, "b", true); err != nil {
		t.Fatal(err)
	}
	if err := n.admit(pod("last", wholes, 1)); err != nil {
		t.Error(err)
	}
	if got := n.Grants()[0]; got.Pod != "last" || got.Devices[0] != "b" {
		t.Errorf("the GPU that has recovered is not handed out: %v", got)
	}
}

func TestPodResourcesNamesWhatIsHeld(t *testing.T) {
	n := New("box", box(), 1)
	if err := n.admit(pod("one", wholes, 1, 3)); err != nil {
		t.Fatal(err)
	}
	if err := n.admit(pod("two", shares, 2)); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "kubelet.sock")
	if err := n.Serve(t.Context(), socket); err != nil {
		t.Fatal(err)
	}
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	response, err := podresources.NewPodResourcesListerClient(connection).List(t.Context(), &podresources.ListPodResourcesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var got []Grant
	for _, p := range response.GetPodResources() {
		for _, c := range p.GetContainers() {
			for _, d := range c.GetDevices() {
				got = append(got, Grant{Namespace: p.GetNamespace(), Pod: p.GetName(), Container: c.GetName(), Resource: d.GetResourceName(), Devices: d.GetDeviceIds()})
			}
		}
	}
	if diff := cmp.Diff(n.Grants(), got); diff != "" {
		t.Errorf("held (-) and told (+) differ:\n%s", diff)
	}
	if shares := got[2].Devices; !cmp.Equal(shares, []string{"e::0", "e::1"}) {
		t.Errorf("the shares are %v", shares)
	}
}
