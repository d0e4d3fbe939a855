package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/gpunode"
	extender "usher.dev/usher/scheduler-extender"
)

// fleetSize is how many nodes the extender is asked about: as many as a cluster
// of Kubernetes may have.
const fleetSize = 5000

const resourceGPU = "nvidia.com/gpu"

// newFleet makes the reports of a fleet: the sample machines of a folder in turn,
// with as many of their GPUs taken at random.
func newFleet(samples string) (*v1alpha1.GPUNodeList, error) {
	machines, err := gpunode.Read([]string{samples}, nil)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same fleet in every run
	list := &v1alpha1.GPUNodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}}
	for i := range fleetSize {
		n := machines[i%len(machines)].DeepCopy()
		n.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "GPUNode"}
		n.Name = fmt.Sprintf("gpu-node-%04d.cluster.example.com", i)
		take(n, r)
		list.Items = append(list.Items, *n)
	}
	return list, nil
}

// namesOf are the names of a fleet's nodes.
func namesOf(fleet *v1alpha1.GPUNodeList) []string {
	names := make([]string, len(fleet.Items))
	for i := range fleet.Items {
		names[i] = fleet.Items[i].Name
	}
	return names
}

// write puts a fleet into a folder for --objects.
func write(fleet *v1alpha1.GPUNodeList, folder string) error {
	content, err := json.Marshal(fleet)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "fleet.json"), content, 0o600)
}

// bytesPerNode is what a store of the fleet's reports takes in memory for each.
func bytesPerNode(fleet *v1alpha1.GPUNodeList) (int, error) {
	store, err := extender.NewStore(config.DefaultExtender(), extender.SystemClock(), extender.NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		return 0, err
	}
	before := heap()
	for i := range fleet.Items {
		// The copy is what a watch would bring; the store keeps what it needs of it.
		if err := store.SetGPUNode(fleet.Items[i].DeepCopy()); err != nil {
			return 0, err
		}
	}
	used := heap() - before
	runtime.KeepAlive(store)
	runtime.KeepAlive(fleet)
	return used / len(fleet.Items), nil
}

// heap is how many bytes are in use. What pools keep goes with the second
// collection.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc) //nolint:gosec // far below
}

// take gives some of a node's free GPUs to pods.
func take(n *v1alpha1.GPUNode, r *rand.Rand) {
	held := map[string]bool{}
	for _, a := range n.Status.Allocations {
		held[a.Device] = true
	}
	for _, listed := range n.Status.Resources {
		if listed.Name != resourceGPU || listed.Replicas > 1 {
			continue
		}
		for i, device := range listed.Devices {
			if held[device] || r.IntN(3) > 0 {
				continue
			}
			n.Status.Allocations = append(n.Status.Allocations, v1alpha1.Allocation{
				Device: device, Resource: resourceGPU, Namespace: "busy", Pod: fmt.Sprint("pod-", i), Container: "main",
			})
		}
	}
}

// demandingPods ask for GPUs in every way that matters.
func demandingPods() []*corev1.Pod {
	var pods []*corev1.Pod
	for _, topology := range []string{"best-effort", "nvlink", "numa"} {
		for _, count := range []int64{1, 2, 4, 8} {
			name := fmt.Sprintf("%s-%d", topology, count)
			pods = append(pods, &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{
					Name: name, Namespace: "team", UID: types.UID("uid-" + name),
					Annotations: map[string]string{"usher.dev/gpu-topology": topology},
				},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "main", Image: "registry.example/train:1",
					Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{
						resourceGPU: *resource.NewQuantity(count, resource.DecimalSI),
					}},
				}}},
			})
		}
	}
	return pods
}
