package agent

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"

	"usher.dev/usher/api/v1alpha1"
)

// draDriver is the DRA driver that hands out NVIDIA's GPUs.
const draDriver = "gpu.nvidia.com"

// deviceOf splits an ID of NVIDIA's device plugin, UUID or UUID::share. Other
// plugins' IDs are refused.
func deviceOf(id string) (uuid, share string, ok bool) {
	uuid, share, _ = strings.Cut(id, "::")
	return uuid, share, strings.HasPrefix(uuid, "GPU-") || strings.HasPrefix(uuid, "MIG-")
}

// defaultResources is what NVIDIA's device plugin hands out unconfigured: whole
// GPUs, and with the strategy "mixed" MIG devices by profile.
func defaultResources(gpus []v1alpha1.GPU) []v1alpha1.DeviceResource {
	devices := map[string]map[string]int32{}
	for _, g := range gpus {
		if g.MIG == nil || !g.MIG.Enabled {
			add(devices, "nvidia.com/gpu", g.UUID)
			continue
		}
		for _, instance := range g.MIG.Instances {
			add(devices, "nvidia.com/mig-"+strings.ReplaceAll(instance.Profile, "+", "."), instance.UUID)
		}
	}
	return sortedResources(devices)
}

// resourcesOf groups the devices that the kubelet can hand out.
func resourcesOf(allocatable []*podresources.ContainerDevices) []v1alpha1.DeviceResource {
	devices := map[string]map[string]int32{}
	// The kubelet names a device once for each NUMA node that it is near to.
	seen := map[[2]string]bool{}
	for _, entry := range allocatable {
		for _, id := range entry.GetDeviceIds() {
			key := [2]string{entry.GetResourceName(), id}
			if uuid, _, ok := deviceOf(id); ok && !seen[key] {
				seen[key] = true
				add(devices, entry.GetResourceName(), uuid)
			}
		}
	}
	return sortedResources(devices)
}

func add(devices map[string]map[string]int32, resource, uuid string) {
	if devices[resource] == nil {
		devices[resource] = map[string]int32{}
	}
	devices[resource][uuid]++
}

// sortedResources turns counts of shares, by resource and device, into a list.
func sortedResources(devices map[string]map[string]int32) []v1alpha1.DeviceResource {
	var resources []v1alpha1.DeviceResource
	for _, name := range sortedKeys(devices) {
		resource := v1alpha1.DeviceResource{Name: name, Devices: sortedKeys(devices[name]), Replicas: 1}
		for _, shares := range devices[name] {
			resource.Replicas = max(resource.Replicas, shares)
		}
		resources = append(resources, resource)
	}
	return resources
}

// allocationsOf lists who holds which device. minors are the positions of GPUs
// in the report by minor number, by which DRA names them.
func allocationsOf(pods []*podresources.PodResources, status *v1alpha1.GPUNodeStatus, minors map[int]int) []v1alpha1.Allocation {
	var held []v1alpha1.Allocation
	for _, pod := range pods {
		for _, container := range pod.GetContainers() {
			holder := v1alpha1.Allocation{Namespace: pod.GetNamespace(), Pod: pod.GetName(), Container: container.GetName()}
			for _, devices := range container.GetDevices() {
				for _, id := range devices.GetDeviceIds() {
					if uuid, share, ok := deviceOf(id); ok {
						held = append(held, heldBy(holder, uuid, share, devices.GetResourceName(), ""))
					}
				}
			}
			for _, claim := range container.GetDynamicResources() {
				for _, device := range claim.GetClaimResources() {
					if device.GetDriverName() != draDriver {
						continue
					}
					if uuid := claimedDevice(device.GetDeviceName(), status.GPUs, minors); uuid != "" {
						held = append(held, heldBy(holder, uuid, "", draDriver, claim.GetClaimName()))
					}
				}
			}
		}
	}
	slices.SortFunc(held, func(a, b v1alpha1.Allocation) int {
		return cmp.Or(
			cmp.Compare(a.Device, b.Device),
			naturally(a.Replica, b.Replica),
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Pod, b.Pod),
			cmp.Compare(a.Container, b.Container),
			cmp.Compare(a.Resource, b.Resource),
			cmp.Compare(a.Claim, b.Claim),
		)
	})
	return slices.Compact(held)
}

func heldBy(holder v1alpha1.Allocation, uuid, share, resource, claim string) v1alpha1.Allocation {
	holder.Device, holder.Replica, holder.Resource, holder.Claim = uuid, share, resource, claim
	return holder
}

// The names that NVIDIA's DRA driver gives to devices: gpu-MINOR, with MIG
// gpu-MINOR-mig-PROFILEID-START-SIZE or gpu-MINOR-mig-PROFILE-PROFILEID-START.
var (
	claimedGPU     = regexp.MustCompile(`^gpu-(\d+)$`)
	claimedPart    = regexp.MustCompile(`^gpu-(\d+)-mig-\d+-(\d+)-\d+$`)
	claimedProfile = regexp.MustCompile(`^gpu-(\d+)-mig-[0-9a-z.+-]*[a-z][0-9a-z.+-]*-\d+-(\d+)$`)
)

// claimedDevice returns the UUID of a device by its name in DRA, empty for one
// of a GPU that the node does not have. A part that is not there (any more) is
// taken for its GPU, lest a device in use looks free.
func claimedDevice(name string, gpus []v1alpha1.GPU, minors map[int]int) string {
	var match []string
	for _, form := range []*regexp.Regexp{claimedGPU, claimedPart, claimedProfile} {
		if match = form.FindStringSubmatch(name); match != nil {
			break
		}
	}
	if match == nil {
		return ""
	}
	minor, err := strconv.Atoi(match[1])
	if err != nil {
		return ""
	}
	position, known := minors[minor]
	if !known || position >= len(gpus) {
		return ""
	}
	gpu := &gpus[position]
	if len(match) > 2 && gpu.MIG != nil {
		for _, instance := range gpu.MIG.Instances {
			if strconv.Itoa(int(instance.Start)) == match[2] {
				return instance.UUID
			}
		}
	}
	return gpu.UUID
}
