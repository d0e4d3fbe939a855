package nvplugin

import (
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"

	"usher.dev/usher/api/v1alpha1"
)

// switchBus is the PCI bus ID of the NVSwitch that switched lanes lead to. No
// GPU has it, which is why the plugin does not see what they connect.
const switchBus = "00000000:FF:00.0"

// ancestors are NVML's names of the PCIe paths.
var ancestors = map[v1alpha1.PCIePath]nvml.GpuTopologyLevel{
	"SYS":  nvml.TOPOLOGY_SYSTEM,
	"NODE": nvml.TOPOLOGY_NODE,
	"PHB":  nvml.TOPOLOGY_HOSTBRIDGE,
	"PXB":  nvml.TOPOLOGY_MULTIPLE,
	"PIX":  nvml.TOPOLOGY_SINGLE,
	"PSB":  nvml.TOPOLOGY_INTERNAL,
}

// driver answers what go-gpuallocator asks NVML, for the GPUs of a node.
func driver(node *v1alpha1.GPUNode) nvml.Interface {
	gpus := make([]nvml.Device, len(node.Status.GPUs))
	for i := range gpus {
		gpus[i] = gpu(node, i)
	}
	return &mock.Interface{
		InitFunc:           func() nvml.Return { return nvml.SUCCESS },
		ShutdownFunc:       func() nvml.Return { return nvml.SUCCESS },
		DeviceGetCountFunc: func() (int, nvml.Return) { return len(gpus), nvml.SUCCESS },
		DeviceGetHandleByIndexFunc: func(i int) (nvml.Device, nvml.Return) {
			return gpus[i], nvml.SUCCESS
		},
	}
}

func gpu(node *v1alpha1.GPUNode, i int) nvml.Device {
	self := node.Status.GPUs[i]
	remotes := remotes(node, i)
	return &mock.Device{
		GetNameFunc:    func() (string, nvml.Return) { return self.Model, nvml.SUCCESS },
		GetUUIDFunc:    func() (string, nvml.Return) { return self.UUID, nvml.SUCCESS },
		GetPciInfoFunc: func() (nvml.PciInfo, nvml.Return) { return pciInfo(bus(i)), nvml.SUCCESS },
		GetTopologyCommonAncestorFunc: func(other nvml.Device) (nvml.GpuTopologyLevel, nvml.Return) {
			uuid, _ := other.GetUUID()
			level, known := ancestors[link(node, i, position(node, uuid)).Path]
			if !known {
				return 0, nvml.ERROR_UNKNOWN
			}
			return level, nvml.SUCCESS
		},
		GetNvLinkStateFunc: func(lane int) (nvml.EnableState, nvml.Return) {
			if lane >= len(remotes) {
				return nvml.FEATURE_DISABLED, nvml.ERROR_INVALID_ARGUMENT
			}
			return nvml.FEATURE_ENABLED, nvml.SUCCESS
		},
		GetNvLinkRemotePciInfoFunc: func(lane int) (nvml.PciInfo, nvml.Return) {
			return pciInfo(remotes[lane]), nvml.SUCCESS
		},
	}
}

// remotes are the bus IDs at the other ends of a GPU's active NVLinks.
func remotes(node *v1alpha1.GPUNode, i int) []string {
	var ends []string
	switched := 0
	for j := range node.Status.GPUs {
		l := link(node, i, j)
		if l.NVSwitch {
			// The same lanes lead to every GPU behind the switch.
			switched = max(switched, int(l.NVLinkLanes))
			continue
		}
		for range l.NVLinkLanes {
			ends = append(ends, bus(j))
		}
	}
	for range switched {
		ends = append(ends, switchBus)
	}
	return ends
}

// link is how two GPUs, by position, reach each other.
func link(node *v1alpha1.GPUNode, i, j int) v1alpha1.GPULink {
	for _, l := range node.Status.Links {
		if int(l.A) == min(i, j) && int(l.B) == max(i, j) {
			return l
		}
	}
	return v1alpha1.GPULink{}
}

// bus is the PCI bus ID that stands for a GPU here. It is made up: the policy
// only compares bus IDs, and a report may lack them.
func bus(i int) string { return fmt.Sprintf("00000000:%02X:00.0", i+1) }

func pciInfo(bus string) nvml.PciInfo {
	var info nvml.PciInfo
	for i := range len(bus) {
		info.BusId[i] = int8(bus[i])
	}
	return info
}
