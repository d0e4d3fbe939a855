package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
)

func TestNICsAndTheirDistances(t *testing.T) {
	first, second := gpu("a"), gpu("b")
	first.identity.PCIBusID, second.identity.PCIBusID = "0000:03:00.0", "0000:83:00.0"
	machine := &Machine{Driver: newFakeDriver(first, second), Sysfs: fakeSysfs(t, `
		bus/pci/devices/0000:03:00.0 -> ../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0/0000:03:00.0
		devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0/0000:03:00.0/numa_node = 0
		bus/pci/devices/0000:83:00.0 -> ../../../devices/pci0000:80/0000:80:01.0/0000:83:00.0
		devices/pci0000:80/0000:80:01.0/0000:83:00.0/numa_node = 1
		class/infiniband/mlx5_10 -> ../../devices/pci0000:80/0000:80:02.0/0000:84:00.0/infiniband/mlx5_10
		devices/pci0000:80/0000:80:02.0/0000:84:00.0/numa_node = 1
		class/infiniband/mlx5_2 -> ../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:01.0/0000:04:00.0/infiniband/mlx5_2
		devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:01.0/0000:04:00.0/numa_node = 0
		class/infiniband/mlx5_3 -> ../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:01.0/0000:04:00.2/infiniband/mlx5_3
		devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:01.0/0000:04:00.2/physfn -> ../0000:04:00.0
		class/net/ib0 -> ../../devices/pci0000:80/0000:80:02.0/0000:84:00.0/net/ib0
		class/net/eth0 -> ../../devices/pci0000:00/0000:00:03.0/virtio0/net/eth0
		devices/pci0000:00/0000:00:03.0/numa_node = -1
		class/net/lo -> ../../devices/virtual/net/lo
		class/net/bonding_masters = bond0
	`)}
	var facts Facts
	must(t, gathered(t, &facts, machine, inventoryProbe, nicsProbe))
	want := []v1alpha1.NIC{
		{Name: "mlx5_2", PCIBusID: "0000:04:00.0", NUMANode: new(int32(0)), RDMA: true, GPUPaths: []v1alpha1.PCIePath{"PIX", "SYS"}},
		{Name: "mlx5_10", PCIBusID: "0000:84:00.0", NUMANode: new(int32(1)), RDMA: true, GPUPaths: []v1alpha1.PCIePath{"SYS", "PHB"}, NICPaths: []v1alpha1.PCIePath{"SYS"}},
		{Name: "eth0", PCIBusID: "0000:00:03.0", GPUPaths: []v1alpha1.PCIePath{"PHB", "SYS"}, NICPaths: []v1alpha1.PCIePath{"PHB", "SYS"}},
	}
	report(t, "NICs", cmp.Diff(want, computed(&facts, nicsProbe).NICs))
}

func TestAMachineWithoutNICsHasNone(t *testing.T) {
	facts := Facts{NICs: []NICFacts{{Name: "gone"}}}
	must(t, gathered(t, &facts, &Machine{}, nicsProbe))
	if got := computed(&facts, nicsProbe).NICs; got != nil {
		t.Errorf("NICs %+v", got)
	}
}

func TestMoreNICsThanAReportHoldsAreLeftOut(t *testing.T) {
	var lines strings.Builder
	for i := range 40 {
		fmt.Fprintf(&lines, "class/infiniband/mlx5_%d -> ../../devices/pci0000:00/0000:00:%02x.0/0000:%02x:00.0/infiniband/x\n", i, i, i+1)
	}
	var facts Facts
	must(t, gathered(t, &facts, &Machine{Sysfs: fakeSysfs(t, lines.String())}, nicsProbe))
	if got := computed(&facts, nicsProbe).NICs; len(got) != 32 || got[31].Name != "mlx5_31" {
		t.Errorf("%d NICs", len(got))
	}
}

func TestNICPathsToAGPUOfUnknownPlaceAreLeftOut(t *testing.T) {
	facts := Facts{
		GPUs: []GPUFacts{{}},
		NICs: []NICFacts{{Name: "eth0", Place: Place{Bus: []string{"pci0000:00", "0000:00:03.0"}}}},
	}
	report(t, "NICs", cmp.Diff([]v1alpha1.NIC{{Name: "eth0", PCIBusID: "0000:00:03.0"}}, computed(&facts, nicsProbe).NICs))
}

func TestNICsThatCannotBeListedStayAsTheyWere(t *testing.T) {
	facts := Facts{NICs: []NICFacts{{Name: "eth0"}}}
	for _, class := range []string{"class/infiniband", "class/net"} {
		err := gathered(t, &facts, &Machine{Sysfs: unreadable{class}}, nicsProbe)
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: error %v", class, err)
		}
	}
	if len(facts.NICs) != 1 {
		t.Errorf("NICs %+v", facts.NICs)
	}
}

// unreadable is an empty sysfs with one folder that may not be read.
type unreadable struct{ folder string }

func (u unreadable) Open(name string) (fs.File, error) {
	if name == u.folder {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return fstest.MapFS{}.Open(name)
}
