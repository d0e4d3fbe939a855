//go:build linux

package node_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/node"
	"usher.dev/usher/test/e2e/nvplugin"
)

// The variables by which a container's process says whose it is.
const (
	podVariable       = "USHER_TEST_POD"
	containerVariable = "USHER_TEST_CONTAINER"
)

// handedOut is what the containers on the node really have: the devices in the
// environment of each process, as the device plugin put them there.
func handedOut() ([]v1alpha1.Allocation, error) {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil, err
	}
	var held []v1alpha1.Allocation
	for _, file := range files {
		environment, err := os.ReadFile(file)
		if err != nil {
			continue // The process has ended meanwhile.
		}
		variables := map[string]string{}
		for variable := range bytes.SplitSeq(environment, []byte{0}) {
			name, value, _ := strings.Cut(string(variable), "=")
			variables[name] = value
		}
		if variables[podVariable] == "" || variables[nvplugin.DevicesVariable] == "" {
			continue
		}
		for id := range strings.SplitSeq(variables[nvplugin.DevicesVariable], ",") {
			held = append(held, allocation(id, variables[nvplugin.ResourceVariable], variables[podVariable], variables[containerVariable]))
		}
	}
	return sorted(held), nil
}

// checkpoint is what the kubelet's device manager has written down for the pods
// given by UID, init containers included.
func checkpoint(pods map[string]string) ([]v1alpha1.Allocation, error) {
	content, err := os.ReadFile(filepath.Join(node.PluginFolder, "kubelet_internal_checkpoint"))
	if err != nil {
		return nil, err
	}
	var file struct {
		Data struct {
			PodDeviceEntries []struct {
				PodUID, ContainerName, ResourceName string
				// DeviceIDs are by NUMA node.
				DeviceIDs map[string][]string
			}
		}
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, err
	}
	var held []v1alpha1.Allocation
	for _, entry := range file.Data.PodDeviceEntries {
		pod, alive := pods[entry.PodUID]
		if !alive {
			continue
		}
		for _, ids := range entry.DeviceIDs {
			for _, id := range ids {
				held = append(held, allocation(id, entry.ResourceName, pod, entry.ContainerName))
			}
		}
	}
	return sorted(held), nil
}

// allocation is how a report says that a container has a device.
func allocation(id, resource, pod, container string) v1alpha1.Allocation {
	uuid, share, _ := strings.Cut(id, "::")
	return v1alpha1.Allocation{
		Device: uuid, Replica: share, Resource: resource, Namespace: "default", Pod: pod, Container: container,
	}
}

// sorted puts allocations into the order of a report, without doubles.
func sorted(held []v1alpha1.Allocation) []v1alpha1.Allocation {
	slices.SortFunc(held, func(a, b v1alpha1.Allocation) int {
		return cmp.Or(
			cmp.Compare(a.Device, b.Device), cmp.Compare(len(a.Replica), len(b.Replica)), cmp.Compare(a.Replica, b.Replica),
			cmp.Compare(a.Pod, b.Pod), cmp.Compare(a.Container, b.Container),
		)
	})
	return slices.Compact(held)
}
