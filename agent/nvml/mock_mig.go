package nvml

import (
	"fmt"
	"slices"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/gpus"
)

// mockPart is one MIG device, with one compute instance on all of its GPU
// instance, and that GPU instance.
type mockPart struct {
	nvml.Device
	gpu       *mockDevice
	id        int
	uuid      string
	profile   string
	profileID uint32
	placement nvml.GpuInstancePlacement
}

// partition places MIG devices as the driver would: only where the GPU's
// profiles allow, and never two on one slice.
func (m *Mock) partition(wanted []Partitioning) (map[int][]*mockPart, error) {
	parts := map[int][]*mockPart{}
	for i, p := range wanted {
		at := fmt.Sprintf("mig[%d]", i)
		if p.GPU < 0 || p.GPU >= len(m.devices) {
			return nil, fmt.Errorf("%s.gpu: there is no GPU %d", at, p.GPU)
		}
		if parts[p.GPU] != nil || len(p.Profiles) == 0 {
			return nil, fmt.Errorf("%s: GPU %d needs one list of profiles", at, p.GPU)
		}
		gpu := m.devices[p.GPU]
		config := &gpu.model.Config
		for k, profile := range p.Profiles {
			id, ok := profileNamed(config, profile)
			if !ok {
				return nil, fmt.Errorf("%s.profiles[%d]: %s has no profile %q; it has %s", at, k, config.Name, profile, strings.Join(profileNames(config), ", "))
			}
			placed := slices.IndexFunc(config.MIGProfiles.GpuInstancePlacements[id], func(free nvml.GpuInstancePlacement) bool {
				return !slices.ContainsFunc(parts[p.GPU], func(taken *mockPart) bool {
					return taken.placement.Start < free.Start+free.Size && free.Start < taken.placement.Start+taken.placement.Size
				})
			})
			used := 0
			for _, taken := range parts[p.GPU] {
				if taken.profileID == uint32(id) {
					used++
				}
			}
			if placed < 0 || used >= int(config.MIGProfiles.GpuInstanceProfiles[id].InstanceCount) {
				return nil, fmt.Errorf("%s.profiles[%d]: no slices of GPU %d are left for %q", at, k, p.GPU, profile)
			}
			placement := config.MIGProfiles.GpuInstancePlacements[id][placed]
			parts[p.GPU] = append(parts[p.GPU], &mockPart{
				gpu: gpu, id: k, profile: profile, profileID: uint32(id), placement: placement,
				uuid: "MIG-" + stableUUID(gpu.uuid, profile, fmt.Sprint(placement.Start)),
			})
		}
	}
	return parts, nil
}

// profileName names a GPU instance's profile as NVML does, such as 3g.20gb.
// Memory is in whole GiB, of which the largest profiles lack a little.
func profileName(id int, info nvml.GpuInstanceProfileInfo) string {
	name := fmt.Sprintf("%dg.%dgb", info.SliceCount, (info.MemorySizeMB+1023)/1024)
	if id == nvml.GPU_INSTANCE_PROFILE_1_SLICE_REV1 {
		name += "+me"
	}
	return name
}

func profileNamed(config *gpus.Config, name string) (int, bool) {
	for id, info := range config.MIGProfiles.GpuInstanceProfiles {
		if profileName(id, info) == name {
			return id, true
		}
	}
	return 0, false
}

func profileNames(config *gpus.Config) []string {
	var names []string
	for id, info := range config.MIGProfiles.GpuInstanceProfiles {
		names = append(names, profileName(id, info))
	}
	slices.Sort(names)
	return names
}

func (d *mockDevice) parts() []*mockPart {
	d.mock.mu.Lock()
	defer d.mock.mu.Unlock()
	return d.mock.parts[d.index]
}

// GetMigMode is nvmlDeviceGetMigMode.
func (d *mockDevice) GetMigMode() (current, pending int, ret nvml.Return) {
	mode := nvml.DEVICE_MIG_DISABLE
	if len(d.parts()) > 0 {
		mode = nvml.DEVICE_MIG_ENABLE
	}
	return mode, mode, d.state()
}

// GetMaxMigDeviceCount is nvmlDeviceGetMaxMigDeviceCount.
func (d *mockDevice) GetMaxMigDeviceCount() (int, nvml.Return) { return 7, d.state() }

// GetMigDeviceHandleByIndex is nvmlDeviceGetMigDeviceHandleByIndex.
func (d *mockDevice) GetMigDeviceHandleByIndex(index int) (nvml.Device, nvml.Return) {
	if parts := d.parts(); index < len(parts) {
		return parts[index], d.state()
	}
	return nil, nvml.ERROR_NOT_FOUND
}

// GetGpuInstanceById is nvmlDeviceGetGpuInstanceById.
func (d *mockDevice) GetGpuInstanceById(id int) (nvml.GpuInstance, nvml.Return) { //nolint:revive // NVML's name
	if parts := d.parts(); id < len(parts) {
		return mockInstance{part: parts[id]}, d.state()
	}
	return nil, nvml.ERROR_NOT_FOUND
}

// GetUUID is nvmlDeviceGetUUID.
func (p *mockPart) GetUUID() (string, nvml.Return) { return p.uuid, p.gpu.state() }

// GetName is nvmlDeviceGetName.
func (p *mockPart) GetName() (string, nvml.Return) {
	return p.gpu.model.Config.Name + " MIG " + p.profile, p.gpu.state()
}

// GetGpuInstanceId is nvmlDeviceGetGpuInstanceId.
func (p *mockPart) GetGpuInstanceId() (int, nvml.Return) { return p.id, p.gpu.state() } //nolint:revive // NVML's name

type mockInstance struct {
	nvml.GpuInstance
	part *mockPart
}

// GetInfo is nvmlGpuInstanceGetInfo.
func (i mockInstance) GetInfo() (nvml.GpuInstanceInfo, nvml.Return) {
	return nvml.GpuInstanceInfo{Device: i.part.gpu, Id: uint32(i.part.id), ProfileId: i.part.profileID, Placement: i.part.placement}, i.part.gpu.state()
}
