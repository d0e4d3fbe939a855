package scheduling

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/repository"
)

// A shape makes a node of a kind of hardware, all free. The serial number is in
// the UUIDs of its devices.
type shape func(t *testing.T, serial int) *v1alpha1.GPUNode

var (
	// dgxH100: eight GPUs behind NVSwitches, so that any of them are linked.
	dgxH100 = sample("dgx-h100")
	// halfLinked: eight PCIe cards, of which two pairs have NVLink bridges.
	halfLinked = sample("half-nvlinked")
	// partitioned: four linked GPUs, of which two are divided by MIG.
	partitioned = sample("a100-mixed-mig")
)

// sample is a shape of testdata/gpunodes, without its holders.
func sample(name string) shape {
	return func(t *testing.T, serial int) *v1alpha1.GPUNode {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(repository.Root(), "testdata", "gpunodes", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		node := &v1alpha1.GPUNode{}
		if err := yaml.UnmarshalStrict(content, node); err != nil {
			t.Fatal(err)
		}
		node.Status.Allocations, node.Status.Summary = nil, nil
		return number(node, serial)
	}
}

// twoBoards is a server of two HGX A100 4-GPU boards: GPUs 0 to 3 and 4 to 7 are
// linked each with each, and no lane leads from board to board.
func twoBoards(_ *testing.T, serial int) *v1alpha1.GPUNode {
	const perBoard = 4
	node := &v1alpha1.GPUNode{TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "GPUNode"}}
	resource := v1alpha1.DeviceResource{Name: gpus, Replicas: 1}
	for i := range int32(2 * perBoard) {
		board := i / perBoard
		uuid := fmt.Sprintf("GPU-2b0a4d00-0000-4000-8000-0000000000%02x", i)
		node.Status.GPUs = append(node.Status.GPUs, v1alpha1.GPU{
			Index: i, UUID: uuid, Model: "NVIDIA A100-SXM4-40GB", Architecture: "Ampere", MemoryMiB: 40960,
			PCIBusID: fmt.Sprintf("0000:%02x:00.0", 0x10+i), NUMANode: &board, Health: v1alpha1.Healthy,
			MIG: &v1alpha1.MIG{},
		})
		resource.Devices = append(resource.Devices, uuid)
		for a := range i {
			link := v1alpha1.GPULink{A: a, B: i, Path: "SYS"}
			if a/perBoard == board {
				link.Path, link.NVLinkLanes = "NODE", 4
			}
			node.Status.Links = append(node.Status.Links, link)
		}
	}
	node.Status.Resources = []v1alpha1.DeviceResource{resource}
	return number(node, serial)
}

// number makes the UUIDs of a node differ from those of others of its shape: the second group of digits is the serial number.
func number(node *v1alpha1.GPUNode, serial int) *v1alpha1.GPUNode {
	renumber := func(uuid *string) {
		const group = len("GPU-2b0a4d00-")
		*uuid = fmt.Sprintf("%s%04x%s", (*uuid)[:group], serial, (*uuid)[group+4:])
	}
	for i := range node.Status.GPUs {
		gpu := &node.Status.GPUs[i]
		renumber(&gpu.UUID)
		if gpu.MIG == nil {
			continue
		}
		for j := range gpu.MIG.Instances {
			renumber(&gpu.MIG.Instances[j].UUID)
		}
	}
	for i := range node.Status.Resources {
		for j := range node.Status.Resources[i].Devices {
			renumber(&node.Status.Resources[i].Devices[j])
		}
	}
	return node
}
