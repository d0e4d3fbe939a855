package nvml

import (
	"errors"
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"usher.dev/usher/agent"
)

// linkErrors are the fields that count what goes wrong on one NVLink.
var linkErrors = []uint32{
	nvml.FI_DEV_NVLINK_ERROR_DL_REPLAY,
	nvml.FI_DEV_NVLINK_ERROR_DL_RECOVERY,
	nvml.FI_DEV_NVLINK_COUNT_LINK_RECOVERY_FAILED_EVENTS,
}

func (d *device) NVLinks() ([]agent.NVLink, error) {
	var links []agent.NVLink
	var counters []nvml.FieldValue
	for i := range nvml.NVLINK_MAX_LINKS {
		state, known, err := ask(d.driver, "nvmlDeviceGetNvLinkState", func() (nvml.EnableState, nvml.Return) { return d.handle.GetNvLinkState(i) })
		if isInvalid(err) || err == nil && !known {
			break // there are no more
		}
		if err != nil {
			return nil, err
		}
		link := agent.NVLink{}
		if state == nvml.FEATURE_ENABLED {
			if link, err = d.end(i); err != nil {
				return nil, err
			}
			link.Active = true
		}
		links = append(links, link)
		for _, field := range linkErrors {
			counters = append(counters, nvml.FieldValue{FieldId: field, ScopeId: uint32(i)})
		}
	}
	counts, err := d.fields(counters)
	if err != nil {
		return nil, err
	}
	for id, count := range counts {
		links[id[1]].Errors += count
	}
	return links, nil
}

// end returns what is at the far end of an active link.
func (d *device) end(i int) (agent.NVLink, error) {
	if known, ok := d.ends[i]; ok {
		return known, nil
	}
	var end agent.NVLink
	kind, known, err := ask(d.driver, "nvmlDeviceGetNvLinkRemoteDeviceType", func() (nvml.IntNvLinkDeviceType, nvml.Return) {
		return d.handle.GetNvLinkRemoteDeviceType(i)
	})
	if err != nil {
		return end, err
	}
	end.Switch = known && kind == nvml.NVLINK_DEVICE_TYPE_SWITCH
	pci, known, err := ask(d.driver, "nvmlDeviceGetNvLinkRemotePciInfo", func() (nvml.PciInfo, nvml.Return) { return d.handle.GetNvLinkRemotePciInfo(i) })
	if err != nil {
		return end, err
	}
	if known {
		end.Peer = busID(pci)
	}
	d.ends[i] = end
	return end, nil
}

func isInvalid(err error) bool {
	failed, ok := errors.AsType[*callError](err)
	return ok && failed.ret == nvml.ERROR_INVALID_ARGUMENT
}

func (d *device) Fabric() (agent.FabricState, error) {
	info, known, err := ask(d.driver, "nvmlDeviceGetGpuFabricInfo_v4", d.handle.GetGpuFabricInfo_v4)
	if known {
		state := fabricState(info.State, info.Status, info.ClusterUuid, info.HealthMask, info.HealthSummary)
		for _, clique := range info.Cliques[:min(info.NumCliques, uint32(len(info.Cliques)))] {
			if clique.Type == nvml.GPU_FABRIC_CLIQUE_TYPE_UNICAST_POINTER {
				state.Clique = int64(clique.Id)
				break
			}
		}
		return state, nil
	}
	if err != nil {
		return agent.FabricState{}, err
	}
	older, known, err := ask(d.driver, "nvmlDeviceGetGpuFabricInfoV", func() (nvml.GpuFabricInfo_v2, nvml.Return) {
		return d.handle.GetGpuFabricInfoV().V2()
	})
	if !known {
		return agent.FabricState{}, err
	}
	state := fabricState(older.State, older.Status, older.ClusterUuid, older.HealthMask, nvml.GPU_FABRIC_HEALTH_SUMMARY_NOT_SUPPORTED)
	state.Clique = int64(older.CliqueId)
	return state, nil
}

// The values of the two-bit parts of a fabric health mask, by shift, that mean
// less than full bandwidth (NVML_GPU_FABRIC_HEALTH_MASK_*_TRUE).
var degradedParts = []int{
	nvml.GPU_FABRIC_HEALTH_MASK_SHIFT_DEGRADED_BW,
	nvml.GPU_FABRIC_HEALTH_MASK_SHIFT_ROUTE_RECOVERY,
	nvml.GPU_FABRIC_HEALTH_MASK_SHIFT_ACCESS_TIMEOUT_RECOVERY,
}

const maskTrue = 1

// fabricState turns NVML's words into the agent's. A cluster of zeros is what
// every HGX board reports whose fabric does not leave the node.
func fabricState(state uint8, status uint32, cluster [16]uint8, mask uint32, summary uint8) agent.FabricState {
	s := agent.FabricState{
		Supported: state != nvml.GPU_FABRIC_STATE_NOT_SUPPORTED,
		Completed: state == nvml.GPU_FABRIC_STATE_COMPLETED,
	}
	if !s.Completed {
		return s
	}
	if ret := nvml.Return(status); ret != nvml.SUCCESS {
		s.Failure = ret.Error()
		return s
	}
	if cluster != [16]uint8{} {
		s.ClusterUUID = fmt.Sprintf("%x-%x-%x-%x-%x", cluster[:4], cluster[4:6], cluster[6:8], cluster[8:10], cluster[10:])
	}
	s.Unhealthy = summary == nvml.GPU_FABRIC_HEALTH_SUMMARY_UNHEALTHY ||
		mask>>nvml.GPU_FABRIC_HEALTH_MASK_SHIFT_ROUTE_UNHEALTHY&3 == maskTrue
	s.Degraded = summary == nvml.GPU_FABRIC_HEALTH_SUMMARY_LIMITED_CAPACITY
	for _, shift := range degradedParts {
		s.Degraded = s.Degraded || mask>>shift&3 == maskTrue
	}
	return s
}
