package nvplugin

import (
	"fmt"
	"slices"

	"github.com/NVIDIA/go-gpuallocator/gpuallocator"
	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"usher.dev/usher/api/v1alpha1"
)

// trusted is up to how many available GPUs go-gpuallocator 0.5.0 is asked.
// With more it takes seconds to minutes, and from 14 on it overwrites the
// partitions that it remembers.
const trusted = 12

// align asks go-gpuallocator, as the plugin does for whole GPUs. Where that
// fails, the rule is applied as it is meant.
func align(node *v1alpha1.GPUNode, available, required []string, size int) ([]string, error) {
	for i, gpu := range node.Status.GPUs {
		// go-gpuallocator would see only some of the lanes, from one end, and panic.
		if lanes := len(remotes(node, i)); lanes > nvml.NVLINK_MAX_LINKS {
			return nil, fmt.Errorf("GPU %s has %d NVLinks, NVML tells at most %d apart", gpu.UUID, lanes, nvml.NVLINK_MAX_LINKS)
		}
	}
	devices, err := gpuallocator.NewDevices(gpuallocator.WithNvmlLib(driver(node)))
	if err != nil {
		return nil, fmt.Errorf("read the links: %w", err)
	}
	free, err := devices.Filter(available)
	if err != nil {
		return nil, fmt.Errorf("find the available GPUs: %w", err)
	}
	must, err := devices.Filter(required)
	if err != nil {
		return nil, fmt.Errorf("find the required GPUs: %w", err)
	}
	if len(free) > trusted {
		return partition(node, available, required, size), nil
	}
	picked := gpuallocator.NewBestEffortPolicy().Allocate(free, must, size)
	// When the GPUs do not divide evenly, the policy may prefer the incomplete
	// set, in which nil stands for what is missing. The plugin crashes then.
	if slices.Contains(picked, nil) {
		return partition(node, available, required, size), nil
	}
	uuids := make([]string, 0, len(picked))
	for _, gpu := range picked {
		uuids = append(uuids, gpu.UUID)
	}
	return uuids, nil
}
