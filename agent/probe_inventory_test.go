package agent

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
)

func TestInventoryTellsWhatGPUsAreAndWhere(t *testing.T) {
	first := gpu("a")
	first.identity.Architecture, first.identity.PCIBusID = "Hopper", "0000:07:00.0"
	machine := &Machine{Driver: newFakeDriver(first, gpu("b")), Sysfs: fakeSysfs(t, `
		bus/pci/devices/0000:07:00.0 -> ../../../devices/pci0000:00/0000:00:01.0/0000:07:00.0
		devices/pci0000:00/0000:00:01.0/0000:07:00.0/numa_node = 1
		devices/pci0000:00/0000:00:01.0/0000:07:00.0/local_cpulist = 0-7
	`)}
	var facts Facts
	must(t, gathered(t, &facts, machine, inventoryProbe))
	want := &v1alpha1.GPUNodeStatus{Driver: "550.54.15", CUDA: "12.4", GPUs: []v1alpha1.GPU{
		{Index: 0, UUID: "GPU-a", Model: "H100", Architecture: "Hopper", MemoryMiB: 81920, PCIBusID: "0000:07:00.0", NUMANode: new(int32(1)), CPUAffinity: "0-7"},
		{Index: 1, UUID: "GPU-b", Model: "H100", MemoryMiB: 81920},
	}}
	report(t, "inventory", cmp.Diff(want, computed(&facts, inventoryProbe)))
}

func TestInventoryKeepsWhatItKnewWhileTheDriverDoesNotAnswer(t *testing.T) {
	driver := newFakeDriver(gpu("a"))
	machine := &Machine{Driver: driver}
	var facts Facts
	must(t, gathered(t, &facts, machine, inventoryProbe))
	want := computed(&facts, inventoryProbe)
	driver.err = fmt.Errorf("%w: nvmlDeviceGetCount has not returned", ErrHung)
	if err := gathered(t, &facts, machine, inventoryProbe, linksProbe); !errors.Is(err, ErrHung) || !errors.Is(err, errNotAsked) {
		t.Errorf("error %v", err)
	}
	report(t, "inventory", cmp.Diff(want, computed(&facts, inventoryProbe)))
}

func TestInventoryFollowsANewSession(t *testing.T) {
	driver := newFakeDriver(gpu("a"), gpu("b"))
	machine := &Machine{Driver: driver}
	facts := Facts{Marks: map[string]Marks{"GPU-a": {Lanes: 18}}}
	must(t, gathered(t, &facts, machine, inventoryProbe))
	if facts.Marks == nil {
		t.Error("the first session forgets what an earlier agent saw")
	}
	driver.session.Number, driver.session.Devices = 2, driver.session.Devices[1:]
	must(t, gathered(t, &facts, machine, inventoryProbe))
	if facts.Marks != nil {
		t.Error("a new session keeps what was held against GPUs in the last one")
	}
	if got := computed(&facts, inventoryProbe).GPUs; len(got) != 1 || got[0].UUID != "GPU-b" {
		t.Errorf("GPUs %+v", got)
	}
}

func TestInventoryLeavesOutGPUsBeyondTheSixteenth(t *testing.T) {
	var many []*fakeDevice
	for i := range 18 {
		many = append(many, gpu(fmt.Sprint(i)))
	}
	var facts Facts
	must(t, gathered(t, &facts, &Machine{Driver: newFakeDriver(many...)}, inventoryProbe, linksProbe))
	if got := computed(&facts, inventoryProbe, linksProbe); len(got.GPUs) != 16 || len(got.Links) != 120 {
		t.Errorf("%d GPUs, %d links", len(got.GPUs), len(got.Links))
	}
}
