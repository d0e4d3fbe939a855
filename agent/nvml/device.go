package nvml

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"usher.dev/usher/agent"
	"usher.dev/usher/api/v1alpha1"
)

// device is one GPU of a session.
type device struct {
	driver   *Driver
	handle   nvml.Device
	identity agent.Identity
	// ancestors are what was told of other GPUs: they do not move.
	ancestors map[*device]v1alpha1.PCIePath
	// ends are what is known of the far ends of NVLinks, by number: wiring does
	// not change.
	ends map[int]agent.NVLink
}

var _ agent.Device = (*device)(nil)

// ask makes a call about a GPU. supported is false, without an error, where the
// GPU or this release of the driver does not know the question. The symbol is
// looked up first: calling one that the library lacks ends the process.
func ask[T any](d *Driver, symbol string, f func() (T, nvml.Return)) (value T, supported bool, err error) {
	if d.lib.Extensions().LookupSymbol(symbol) != nil {
		return value, false, nil
	}
	value, err = call(&d.watchdog, symbol, d.limit, f)
	if failed, ok := errors.AsType[*callError](err); ok {
		switch failed.ret {
		case nvml.ERROR_NOT_SUPPORTED, nvml.ERROR_FUNCTION_NOT_FOUND, nvml.ERROR_ARGUMENT_VERSION_MISMATCH, nvml.ERROR_DEPRECATED:
			return value, false, nil
		default:
		}
	}
	return value, err == nil, err
}

// identify asks a GPU who it is.
func (d *Driver) identify(index int) (*device, error) {
	handle, err := call(&d.watchdog, "nvmlDeviceGetHandleByIndex", d.limit, func() (nvml.Device, nvml.Return) { return d.lib.DeviceGetHandleByIndex(index) })
	if err != nil {
		return nil, err
	}
	found := &device{driver: d, handle: handle, ends: map[int]agent.NVLink{}, ancestors: map[*device]v1alpha1.PCIePath{}}
	id := &found.identity
	id.Index = index
	if id.UUID, err = call(&d.watchdog, "nvmlDeviceGetUUID", d.limit, handle.GetUUID); err != nil {
		return nil, err
	}
	if id.Model, err = call(&d.watchdog, "nvmlDeviceGetName", d.limit, handle.GetName); err != nil {
		return nil, err
	}
	pci, err := call(&d.watchdog, "nvmlDeviceGetPciInfo", d.limit, handle.GetPciInfo)
	if err != nil {
		return nil, err
	}
	id.PCIBusID = busID(pci)
	memory, err := call(&d.watchdog, "nvmlDeviceGetMemoryInfo", d.limit, handle.GetMemoryInfo)
	if err != nil {
		return nil, err
	}
	id.MemoryMiB = int64(memory.Total >> 20)
	if id.Minor, err = call(&d.watchdog, "nvmlDeviceGetMinorNumber", d.limit, handle.GetMinorNumber); err != nil {
		return nil, err
	}
	architecture, known, err := ask(d, "nvmlDeviceGetArchitecture", handle.GetArchitecture)
	if err != nil {
		return nil, err
	}
	if known {
		id.Architecture = architectures[architecture]
	}
	return found, nil
}

var architectures = map[nvml.DeviceArchitecture]string{
	nvml.DEVICE_ARCH_KEPLER:    "Kepler",
	nvml.DEVICE_ARCH_MAXWELL:   "Maxwell",
	nvml.DEVICE_ARCH_PASCAL:    "Pascal",
	nvml.DEVICE_ARCH_VOLTA:     "Volta",
	nvml.DEVICE_ARCH_TURING:    "Turing",
	nvml.DEVICE_ARCH_AMPERE:    "Ampere",
	nvml.DEVICE_ARCH_ADA:       "Ada",
	nvml.DEVICE_ARCH_HOPPER:    "Hopper",
	nvml.DEVICE_ARCH_BLACKWELL: "Blackwell",
	nvml.DEVICE_ARCH_RUBIN:     "Rubin",
}

// busID writes a PCI address as sysfs does.
func busID(pci nvml.PciInfo) string {
	var text strings.Builder
	for _, c := range pci.BusId {
		if c == 0 {
			break
		}
		text.WriteByte(byte(c))
	}
	var domain, bus, slot, function uint32
	if _, err := fmt.Sscanf(text.String(), "%x:%x:%x.%x", &domain, &bus, &slot, &function); err != nil {
		return ""
	}
	return fmt.Sprintf("%04x:%02x:%02x.%x", domain, bus, slot, function)
}

func (d *device) Identity() agent.Identity { return d.identity }

var levels = map[nvml.GpuTopologyLevel]v1alpha1.PCIePath{
	nvml.TOPOLOGY_INTERNAL:   "PSB",
	nvml.TOPOLOGY_SINGLE:     "PIX",
	nvml.TOPOLOGY_MULTIPLE:   "PXB",
	nvml.TOPOLOGY_HOSTBRIDGE: "PHB",
	nvml.TOPOLOGY_NODE:       "NODE",
	nvml.TOPOLOGY_SYSTEM:     "SYS",
}

func (d *device) CommonAncestor(other agent.Device) (v1alpha1.PCIePath, error) {
	peer, ok := other.(*device)
	if !ok {
		return "", fmt.Errorf("%T is no GPU of this session", other)
	}
	if told, ok := d.ancestors[peer]; ok {
		return told, nil
	}
	level, known, err := ask(d.driver, "nvmlDeviceGetTopologyCommonAncestor", func() (nvml.GpuTopologyLevel, nvml.Return) {
		return d.handle.GetTopologyCommonAncestor(peer.handle)
	})
	if errors.Is(err, agent.ErrLost) || errors.Is(err, agent.ErrResetRequired) {
		return "", nil // either GPU may be meant; other questions tell which
	}
	if err != nil {
		return "", err
	}
	if known {
		d.ancestors[peer] = levels[level]
	} else {
		d.ancestors[peer] = ""
	}
	return d.ancestors[peer], nil
}

func (d *device) Load() (agent.Load, error) {
	var load agent.Load
	// With MIG the GPU as a whole has no utilisation.
	rates, known, err := ask(d.driver, "nvmlDeviceGetUtilizationRates", d.handle.GetUtilizationRates)
	if err != nil {
		return load, err
	}
	if known {
		load.Percent = int(rates.Gpu)
	}
	memory, known, err := ask(d.driver, "nvmlDeviceGetMemoryInfo", d.handle.GetMemoryInfo)
	if known && memory.Total > 0 {
		load.MemoryUsedPercent = int(memory.Used * 100 / memory.Total)
	}
	return load, err
}

// fields asks for several field values at once; those that the GPU does not
// know are left out of the result.
func (d *device) fields(values []nvml.FieldValue) (map[[2]uint32]uint64, error) {
	if len(values) == 0 {
		return nil, nil
	}
	// The call may return after it was given up: it gets a slice of its own.
	asked, known, err := ask(d.driver, "nvmlDeviceGetFieldValues", func() ([]nvml.FieldValue, nvml.Return) {
		own := append([]nvml.FieldValue(nil), values...)
		return own, d.handle.GetFieldValues(own)
	})
	if !known {
		return nil, err
	}
	answers := map[[2]uint32]uint64{}
	for _, v := range asked {
		if nvml.Return(v.NvmlReturn) == nvml.SUCCESS {
			answers[[2]uint32{v.FieldId, v.ScopeId}] = number(v)
		}
	}
	return answers, nil
}

// number reads a field value that is a whole number.
func number(v nvml.FieldValue) uint64 {
	switch nvml.ValueType(v.ValueType) {
	case nvml.VALUE_TYPE_UNSIGNED_LONG, nvml.VALUE_TYPE_UNSIGNED_LONG_LONG, nvml.VALUE_TYPE_SIGNED_LONG_LONG:
		return binary.NativeEndian.Uint64(v.Value[:])
	case nvml.VALUE_TYPE_UNSIGNED_SHORT:
		return uint64(binary.NativeEndian.Uint16(v.Value[:]))
	default:
		return uint64(binary.NativeEndian.Uint32(v.Value[:]))
	}
}
