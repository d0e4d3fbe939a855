package fakenode

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/api/v1alpha1"
)

// Node is the devices of one node and who holds them.
type Node struct {
	name string
	// hardware is what the plugin reads from NVML.
	hardware *v1alpha1.GPUNode

	mutex sync.Mutex
	// devices are the device IDs of each resource, sorted; unhealthy are those
	// that the plugin does not give to new pods.
	devices   map[string][]string
	unhealthy map[string]bool
	held      map[types.UID][]Grant
	order     *rand.Rand
}

// Grant is what one container was handed of one resource.
type Grant struct {
	Namespace string
	Pod       string
	Container string
	Resource  string
	// Devices are device IDs, sorted.
	Devices []string
}

// New returns a node with the GPUs, links and resources of hardware, all free
// and healthy. Seed decides the order in which the plugin is told of what is
// available, which is random in a kubelet.
func New(name string, hardware *v1alpha1.GPUNode, seed uint64) *Node {
	n := &Node{
		name:      name,
		hardware:  hardware,
		devices:   map[string][]string{},
		unhealthy: map[string]bool{},
		held:      map[types.UID][]Grant{},
		order:     rand.New(rand.NewPCG(seed, 0)),
	}
	for _, r := range hardware.Status.Resources {
		n.devices[r.Name] = deviceIDs(r)
	}
	return n
}

// deviceIDs are the IDs that the plugin registers: a UUID each, or as many
// UUID::n as there are shares of a device.
func deviceIDs(r v1alpha1.DeviceResource) []string {
	if r.Replicas <= 1 {
		return slices.Sorted(slices.Values(r.Devices))
	}
	var ids []string
	for _, uuid := range r.Devices {
		for share := range r.Replicas {
			ids = append(ids, fmt.Sprintf("%s::%d", uuid, share))
		}
	}
	slices.Sort(ids)
	return ids
}

// Name is the name of the Node.
func (n *Node) Name() string { return n.name }

// Hardware is what the node's GPUs are and how they are linked.
func (n *Node) Hardware() *v1alpha1.GPUNode { return n.hardware }

// Register makes the Node object, as a kubelet and KWOK's own users do.
func (n *Node) Register(ctx context.Context, client kubernetes.Interface, labels map[string]string, taints ...corev1.Taint) error {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:        n.name,
			Labels:      labels,
			Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
		},
		Spec:   corev1.NodeSpec{Taints: taints},
		Status: corev1.NodeStatus{Capacity: n.capacity(nil), Allocatable: n.capacity(n.unhealthy)},
	}
	_, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	return err
}

// capacity counts the devices of each resource, less those excepted, beside
// more of everything else than the tests can use up.
func (n *Node) capacity(except map[string]bool) corev1.ResourceList {
	list := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("256"),
		corev1.ResourceMemory: resource.MustParse("2Ti"),
		corev1.ResourcePods:   resource.MustParse("110"),
	}
	for name, ids := range n.devices {
		count := 0
		for _, id := range ids {
			if !except[uuidOf(id)] {
				count++
			}
		}
		list[corev1.ResourceName(name)] = *resource.NewQuantity(int64(count), resource.DecimalSI)
	}
	return list
}

// SetHealthy has the plugin report a GPU well or not, and the kubelet update
// what the node can hand out.
func (n *Node) SetHealthy(ctx context.Context, client kubernetes.Interface, uuid string, healthy bool) error {
	n.mutex.Lock()
	n.unhealthy[uuid] = !healthy
	allocatable := n.capacity(n.unhealthy)
	n.mutex.Unlock()
	node, err := client.CoreV1().Nodes().Get(ctx, n.name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	maps.Copy(node.Status.Allocatable, allocatable)
	_, err = client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

// Grants are what the node's pods hold, sorted by namespace, pod, container and
// resource.
func (n *Node) Grants() []Grant {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return slices.SortedFunc(func(yield func(Grant) bool) {
		for _, grants := range n.held {
			for _, g := range grants {
				if !yield(g) {
					return
				}
			}
		}
	}, compareGrants)
}
