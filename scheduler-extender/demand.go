package extender

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/topology"
)

// Resource names that NVIDIA's device plugin registers.
const (
	resourceGPU    = "nvidia.com/gpu"
	resourceShared = "nvidia.com/gpu.shared"
	prefixMIG      = "nvidia.com/mig-"
)

// isGPUResource says whether a resource hands out GPUs or parts of them.
func isGPUResource(name string) bool {
	return name == resourceGPU || name == resourceShared || strings.HasPrefix(name, prefixMIG)
}

// maxCount bounds a count that a pod asks for; no node has as many devices.
const maxCount = 1 << 16

// demand is what a pod asks of the GPUs of its node. Pods that ask the same have
// the same demand: it can be compared by pointer (see demands).
type demand struct {
	// containers that ask for GPUs, in the order in which the kubelet admits
	// them: init containers first.
	containers  []containerDemand
	requirement topology.Requirement
	key         string
}

// containerDemand is what one container asks for.
type containerDemand struct {
	role    role
	devices []deviceCount // by resource name, each above 0
}

// deviceCount is a number of devices of one resource.
type deviceCount struct {
	resource string
	count    int
}

// role says what becomes of a container's devices.
type role byte

// The roles of containers.
const (
	roleApp  role = 'c'
	roleInit role = 'i' // its devices are given to the containers after it
	roleSide role = 's' // a restartable init container, which keeps its devices
)

// demandOf works out what a pod asks for, and the names of the containers of the
// demand in their order. A pod that asks for no GPU has the zero demand.
// Overhead and pod-level resources cannot name extended resources
// (KEP-688, KEP-2837), so containers say it all.
func demandOf(pod *corev1.Pod) (demand, []string, error) {
	var d demand
	var names []string
	add := func(c *corev1.Container, r role) {
		if devices := devicesOf(c); devices != nil {
			d.containers = append(d.containers, containerDemand{r, devices})
			names = append(names, c.Name)
		}
	}
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			add(c, roleSide)
		} else {
			add(c, roleInit)
		}
	}
	for i := range pod.Spec.Containers {
		add(&pod.Spec.Containers[i], roleApp)
	}
	if d.containers == nil {
		return demand{}, nil, nil
	}
	var err error
	d.requirement, err = requirementOf(pod)
	d.key = d.canonical()
	return d, names, err
}

// devicesOf lists the GPU resources of a container. A request that is not given
// is the limit, as the API server defaults it.
func devicesOf(c *corev1.Container) []deviceCount {
	counts := map[string]int{}
	for _, list := range []corev1.ResourceList{c.Resources.Limits, c.Resources.Requests} {
		for name, quantity := range list {
			if isGPUResource(string(name)) {
				counts[string(name)] = int(max(0, min(quantity.Value(), maxCount)))
			}
		}
	}
	var devices []deviceCount
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 0 {
			devices = append(devices, deviceCount{name, counts[name]})
		}
	}
	return devices
}

// canonical spells a demand: equal demands have equal texts.
func (d *demand) canonical() string {
	var b strings.Builder
	b.WriteString(d.requirement.String())
	for _, c := range d.containers {
		fmt.Fprintf(&b, " %c", c.role)
		for _, n := range c.devices {
			fmt.Fprintf(&b, ",%s=%d", n.resource, n.count)
		}
	}
	return b.String()
}

// total is the effective request by Kubernetes' rule: the most that is held at
// once, of init containers on their way and of app containers and sidecars
// together (KEP-753).
func (d *demand) total() map[string]int {
	total := map[string]int{}
	sidecars, running := map[string]int{}, map[string]int{}
	for _, c := range d.containers {
		for _, n := range c.devices {
			switch c.role {
			case roleInit:
				total[n.resource] = max(total[n.resource], sidecars[n.resource]+n.count)
			case roleSide:
				sidecars[n.resource] += n.count
				running[n.resource] += n.count
				total[n.resource] = max(total[n.resource], sidecars[n.resource])
			case roleApp:
				running[n.resource] += n.count
			}
		}
	}
	for name, n := range running {
		total[name] = max(total[name], n)
	}
	return total
}

// String is for people: "4 nvidia.com/gpu, nvlink".
func (d *demand) String() string {
	if len(d.containers) == 0 {
		return "no GPU"
	}
	total := d.total()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(total)) {
		parts = append(parts, fmt.Sprintf("%d %s", total[name], name))
	}
	return strings.Join(append(parts, d.requirement.String()), ", ")
}
