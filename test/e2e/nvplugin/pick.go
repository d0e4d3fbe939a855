package nvplugin

import (
	"fmt"
	"slices"
	"strings"

	"usher.dev/usher/api/v1alpha1"
)

// Pick returns which size of the available device IDs the plugin prefers, among
// them all that are required, in the plugin's order. IDs are UUIDs of GPUs or of
// MIG devices, or UUID::n for the share n of one; a request names IDs of one
// resource. As from the plugin, the answer is empty when the best-effort policy
// finds none, and an error when the request cannot be met by spreading.
func Pick(node *v1alpha1.GPUNode, available, required []string, size int) ([]string, error) {
	if slices.ContainsFunc(available, shared) || !wholeGPUs(node, available) {
		return spread(node, available, required, size)
	}
	return align(node, available, required, size)
}

// shared says whether a device ID names a share of a device.
func shared(id string) bool { return strings.Contains(id, "::") }

// device is the UUID in a device ID.
func device(id string) string {
	uuid, _, _ := strings.Cut(id, "::")
	return uuid
}

// wholeGPUs says whether all IDs are those of GPUs. The plugin aligns nothing
// else.
func wholeGPUs(node *v1alpha1.GPUNode, ids []string) bool {
	return !slices.ContainsFunc(ids, func(id string) bool { return position(node, id) < 0 })
}

// position is where a GPU stands in status.gpus, -1 for anything else.
func position(node *v1alpha1.GPUNode, uuid string) int {
	return slices.IndexFunc(node.Status.GPUs, func(gpu v1alpha1.GPU) bool { return gpu.UUID == uuid })
}

// spread takes, one after the other, a share of the device of which the fewest
// shares are taken. Equal ones are taken in the order given.
func spread(node *v1alpha1.GPUNode, available, required []string, size int) ([]string, error) {
	candidates := slices.DeleteFunc(slices.Clone(available), func(id string) bool { return slices.Contains(required, id) })
	needed := size - len(required)
	if needed > len(candidates) {
		return nil, fmt.Errorf("%d devices are wanted beside the required ones, %d are available", needed, len(candidates))
	}
	free := map[string]int{}
	for _, id := range candidates {
		free[device(id)]++
	}
	taken := func(id string) int { return replicas(node, device(id)) - free[device(id)] }
	picked := slices.Clone(required)
	for range needed {
		least := 0
		for i := range candidates {
			if taken(candidates[i]) < taken(candidates[least]) {
				least = i
			}
		}
		id := candidates[least]
		free[device(id)]--
		picked = append(picked, id)
		candidates = slices.Delete(candidates, least, least+1)
	}
	return picked, nil
}

// replicas is into how many shares a device is divided.
func replicas(node *v1alpha1.GPUNode, uuid string) int {
	for _, resource := range node.Status.Resources {
		if slices.Contains(resource.Devices, uuid) {
			return int(max(1, resource.Replicas))
		}
	}
	return 1
}
