package gpunode

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/topology"
)

// fault is a field whose value the CRD refuses.
type fault struct {
	path    []any
	message string
}

// String is the message behind the field's path, such as status.links[3].path.
func (f fault) String() string {
	var path strings.Builder
	for i, step := range f.path {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&path, "[%d]", step)
		default:
			if i > 0 {
				path.WriteByte('.')
			}
			fmt.Fprint(&path, step)
		}
	}
	return path.String() + ": " + f.message
}

// pointer is the field's JSON pointer.
func (f fault) pointer() string {
	var pointer strings.Builder
	for _, step := range f.path {
		pointer.WriteByte('/')
		switch step := step.(type) {
		case int:
			pointer.WriteString(strconv.Itoa(step))
		default:
			fmt.Fprint(&pointer, step)
		}
	}
	return pointer.String()
}

// checker collects what the schema of the CRD would refuse of those fields that
// usher computes with. Lengths of texts it leaves to the API server.
type checker struct{ found []fault }

func (c *checker) add(message string, path ...any) {
	c.found = append(c.found, fault{path, message})
}

// within checks a number.
func (c *checker) within(value, least, most int64, path ...any) {
	if value < least || value > most {
		c.add(fmt.Sprintf("%d is not within %d and %d", value, least, most), path...)
	}
}

// pciPath checks a PCIe path that must be there.
func (c *checker) pciPath(value v1alpha1.PCIePath, path ...any) {
	if value == "" {
		c.add("a PCIe path is missing", path...)
	} else if _, err := topology.ParsePath(string(value)); err != nil {
		c.add(err.Error(), path...)
	}
}

// check returns all faults as one error.
func check(n *v1alpha1.GPUNode) error {
	var wrong []error
	for _, f := range faults(n) {
		wrong = append(wrong, fmt.Errorf("GPUNode %s: %v", n.Name, f))
	}
	return errors.Join(wrong...)
}

func faults(n *v1alpha1.GPUNode) []fault {
	var c checker
	if n.Name == "" {
		c.add("a GPUNode has the name of its node", "metadata", "name")
	}
	if count := len(n.Status.GPUs); count > v1alpha1.MaxGPUs {
		c.add(fmt.Sprintf("%d GPUs are too many: at most %d", count, v1alpha1.MaxGPUs), "status", "gpus")
		return c.found
	}
	c.gpus(n.Status.GPUs)
	c.links(n.Status.Links, len(n.Status.GPUs))
	c.nics(n.Status.NICs, len(n.Status.GPUs))
	for i, r := range n.Status.Resources {
		c.within(int64(r.Replicas), 1, 1024, "status", "resources", i, "replicas")
	}
	return c.found
}

var healths = []v1alpha1.Health{v1alpha1.Healthy, v1alpha1.Degraded, v1alpha1.Unhealthy}

func (c *checker) gpus(gpus []v1alpha1.GPU) {
	seen := map[string]bool{}
	for i, gpu := range gpus {
		switch {
		case gpu.UUID == "":
			c.add("a GPU has a UUID", "status", "gpus", i, "uuid")
		case seen[gpu.UUID]:
			c.add(fmt.Sprintf("another GPU is %s too", gpu.UUID), "status", "gpus", i, "uuid")
		}
		seen[gpu.UUID] = true
		c.within(int64(gpu.Index), 0, v1alpha1.MaxGPUs-1, "status", "gpus", i, "index")
		if !slices.Contains(healths, gpu.Health) {
			c.add(fmt.Sprintf("%q is no health; Healthy, Degraded and Unhealthy are", gpu.Health), "status", "gpus", i, "health")
		}
		if gpu.MIG == nil {
			continue
		}
		for j, instance := range gpu.MIG.Instances {
			c.within(int64(instance.Start), 0, 15, "status", "gpus", i, "mig", "instances", j, "start")
			c.within(int64(instance.Size), 1, 16, "status", "gpus", i, "mig", "instances", j, "size")
		}
	}
}

func (c *checker) links(links []v1alpha1.GPULink, gpus int) {
	type ends struct{ a, b int32 }
	seen := map[ends]bool{}
	for i, l := range links {
		switch {
		case l.A < 0 || l.A >= l.B:
			c.add(fmt.Sprintf("GPUs %d and %d: the first GPU of a link has the lower index", l.A, l.B), "status", "links", i)
		case int(l.B) >= gpus:
			c.add(fmt.Sprintf("GPU %d is not reported; %d GPUs are", l.B, gpus), "status", "links", i, "b")
		case seen[ends{l.A, l.B}]:
			c.add(fmt.Sprintf("GPUs %d and %d have a link already", l.A, l.B), "status", "links", i)
		}
		seen[ends{l.A, l.B}] = true
		if l.Path != "" {
			c.pciPath(l.Path, "status", "links", i, "path")
		}
		c.within(int64(l.NVLinkLanes), 0, 72, "status", "links", i, "nvlinkLanes")
	}
}

func (c *checker) nics(nics []v1alpha1.NIC, gpus int) {
	for i, nic := range nics {
		if nic.Name == "" {
			c.add("a NIC has a name", "status", "nics", i, "name")
		}
		if got := len(nic.GPUPaths); got != 0 && got != gpus {
			c.add(fmt.Sprintf("%d paths to %d GPUs", got, gpus), "status", "nics", i, "gpuPaths")
		}
		if got := len(nic.NICPaths); got != 0 && got != i {
			c.add(fmt.Sprintf("%d paths to the %d NICs before this one", got, i), "status", "nics", i, "nicPaths")
		}
		for j, p := range nic.GPUPaths {
			c.pciPath(p, "status", "nics", i, "gpuPaths", j)
		}
		for j, p := range nic.NICPaths {
			c.pciPath(p, "status", "nics", i, "nicPaths", j)
		}
	}
}
