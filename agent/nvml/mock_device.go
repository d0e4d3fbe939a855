package nvml

import (
	"encoding/binary"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
)

// mockDevice is one GPU of a mocked machine.
type mockDevice struct {
	nvml.Device // what nobody asks is left to the server's device

	model *server.Device
	mock  *Mock
	index int
	slot  slot
	uuid  string
}

// state is what every call about the GPU returns besides its answer.
func (d *mockDevice) state() nvml.Return {
	if ret := d.mock.driver(d.index); ret != nvml.SUCCESS {
		return ret
	}
	if d.has("lost") {
		return nvml.ERROR_GPU_IS_LOST
	}
	if d.has("reset-required") {
		return nvml.ERROR_RESET_REQUIRED
	}
	return nvml.SUCCESS
}

func (d *mockDevice) has(kind Kind) bool {
	_, active := d.mock.fault(kind, d.index)
	return active
}

func (d *mockDevice) value(kind Kind) uint64 {
	value, _ := d.mock.fault(kind, d.index)
	return value
}

func enabled(on bool) nvml.EnableState {
	if on {
		return nvml.FEATURE_ENABLED
	}
	return nvml.FEATURE_DISABLED
}

// GetUUID is nvmlDeviceGetUUID.
func (d *mockDevice) GetUUID() (string, nvml.Return) { return d.uuid, d.state() }

// GetName is nvmlDeviceGetName.
func (d *mockDevice) GetName() (string, nvml.Return) { return d.model.Config.Name, d.state() }

// GetArchitecture is nvmlDeviceGetArchitecture.
func (d *mockDevice) GetArchitecture() (nvml.DeviceArchitecture, nvml.Return) {
	return d.model.Config.Architecture, d.state()
}

// GetMinorNumber is nvmlDeviceGetMinorNumber.
func (d *mockDevice) GetMinorNumber() (int, nvml.Return) { return d.index, d.state() }

// GetPciInfo is nvmlDeviceGetPciInfo.
func (d *mockDevice) GetPciInfo() (nvml.PciInfo, nvml.Return) {
	info := pciInfo(d.slot.address)
	info.PciDeviceId = d.model.Config.PciDeviceId
	return info, d.state()
}

// pciInfo writes an address as NVML does, with eight digits of domain.
func pciInfo(address string) nvml.PciInfo {
	var info nvml.PciInfo
	for i, c := range []byte("0000" + address) {
		info.BusId[i] = int8(c)
	}
	return info
}

// GetMemoryInfo is nvmlDeviceGetMemoryInfo.
func (d *mockDevice) GetMemoryInfo() (nvml.Memory, nvml.Return) {
	memory := nvml.Memory{Total: d.model.Config.MemoryMB << 20}
	memory.Used = memory.Total / 100 * d.value("memory")
	memory.Free = memory.Total - memory.Used
	return memory, d.state()
}

// GetUtilizationRates is nvmlDeviceGetUtilizationRates, which a partitioned GPU
// does not support.
func (d *mockDevice) GetUtilizationRates() (nvml.Utilization, nvml.Return) {
	if ret := d.state(); ret != nvml.SUCCESS {
		return nvml.Utilization{}, ret
	}
	if len(d.parts()) > 0 {
		return nvml.Utilization{}, nvml.ERROR_NOT_SUPPORTED
	}
	return nvml.Utilization{Gpu: uint32(d.value("load"))}, nvml.SUCCESS
}

// GetTopologyCommonAncestor is nvmlDeviceGetTopologyCommonAncestor.
func (d *mockDevice) GetTopologyCommonAncestor(other nvml.Device) (nvml.GpuTopologyLevel, nvml.Return) {
	peer, ok := other.(*mockDevice)
	if !ok {
		return 0, nvml.ERROR_INVALID_ARGUMENT
	}
	if ret := peer.state(); ret != nvml.SUCCESS {
		return 0, ret
	}
	switch {
	case d.slot.root == peer.slot.root:
		return nvml.TOPOLOGY_MULTIPLE, d.state()
	case d.slot.numa == peer.slot.numa:
		return nvml.TOPOLOGY_NODE, d.state()
	default:
		return nvml.TOPOLOGY_SYSTEM, d.state()
	}
}

// GetNvLinkState is nvmlDeviceGetNvLinkState.
func (d *mockDevice) GetNvLinkState(link int) (nvml.EnableState, nvml.Return) {
	if link < 0 || link >= d.mock.board.lanes {
		return 0, nvml.ERROR_INVALID_ARGUMENT
	}
	return enabled(uint64(link) >= d.value("links-down")), d.state()
}

// GetNvLinkRemoteDeviceType is nvmlDeviceGetNvLinkRemoteDeviceType.
func (d *mockDevice) GetNvLinkRemoteDeviceType(int) (nvml.IntNvLinkDeviceType, nvml.Return) {
	return nvml.NVLINK_DEVICE_TYPE_SWITCH, d.state()
}

// GetNvLinkRemotePciInfo is nvmlDeviceGetNvLinkRemotePciInfo.
func (d *mockDevice) GetNvLinkRemotePciInfo(link int) (nvml.PciInfo, nvml.Return) {
	switches := d.mock.board.switches
	if len(switches) == 0 {
		return nvml.PciInfo{}, nvml.ERROR_NOT_SUPPORTED
	}
	return pciInfo(switches[link%len(switches)]), d.state()
}

// GetGpuFabricInfo_v4 is nvmlDeviceGetGpuFabricInfo_v4.
func (d *mockDevice) GetGpuFabricInfo_v4() (nvml.GpuFabricInfo_v4, nvml.Return) { //nolint:revive // go-nvml's name
	var info nvml.GpuFabricInfo_v4
	if !d.mock.board.fabric {
		return info, d.state()
	}
	info.State, info.NumCliques = nvml.GPU_FABRIC_STATE_COMPLETED, 1
	info.HealthSummary = nvml.GPU_FABRIC_HEALTH_SUMMARY_HEALTHY
	switch {
	case d.has("fabric-pending"):
		info.State = nvml.GPU_FABRIC_STATE_IN_PROGRESS
	case d.has("fabric-failed"):
		info.Status = uint32(nvml.ERROR_UNKNOWN)
	case d.has("fabric-degraded"):
		info.HealthSummary = nvml.GPU_FABRIC_HEALTH_SUMMARY_LIMITED_CAPACITY
	}
	return info, d.state()
}

// GetTotalEccErrors is nvmlDeviceGetTotalEccErrors.
func (d *mockDevice) GetTotalEccErrors(kind nvml.MemoryErrorType, _ nvml.EccCounterType) (uint64, nvml.Return) {
	if kind != nvml.MEMORY_ERROR_TYPE_UNCORRECTED {
		return 0, d.state()
	}
	return d.value("ecc"), d.state()
}

// GetRemappedRows is nvmlDeviceGetRemappedRows.
func (d *mockDevice) GetRemappedRows() (corrected, uncorrected int, pending, failed bool, ret nvml.Return) {
	return 0, 0, d.has("rows-pending"), d.has("rows-failed"), d.state()
}

// GetRetiredPagesPendingStatus is nvmlDeviceGetRetiredPagesPendingStatus.
func (d *mockDevice) GetRetiredPagesPendingStatus() (nvml.EnableState, nvml.Return) {
	return enabled(d.has("pages-pending")), d.state()
}

// GetFieldValues is nvmlDeviceGetFieldValues.
func (d *mockDevice) GetFieldValues(values []nvml.FieldValue) nvml.Return {
	for i := range values {
		v := &values[i]
		v.ValueType, v.NvmlReturn = uint32(nvml.VALUE_TYPE_UNSIGNED_LONG_LONG), uint32(nvml.SUCCESS)
		var value uint64
		switch {
		case v.FieldId == nvml.FI_DEV_GET_GPU_RECOVERY_ACTION:
			v.ValueType = uint32(nvml.VALUE_TYPE_UNSIGNED_INT)
			value = d.value("recovery")
		case v.FieldId == nvml.FI_DEV_NVLINK_ERROR_DL_REPLAY && v.ScopeId == 0:
			value = d.value("link-errors")
		case v.FieldId == nvml.FI_DEV_NVLINK_ERROR_DL_REPLAY, v.FieldId == nvml.FI_DEV_NVLINK_ERROR_DL_RECOVERY:
		default:
			v.NvmlReturn = uint32(nvml.ERROR_NOT_SUPPORTED)
		}
		binary.NativeEndian.PutUint64(v.Value[:], value)
	}
	return d.state()
}
