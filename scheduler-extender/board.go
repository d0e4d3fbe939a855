package extender

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/gpunode"
	"usher.dev/usher/topology"
)

// board is what a report says of a node's GPUs, apart from who holds them. It
// does not change.
type board struct {
	links *links
	gpus  []gpu
	// units are what can be handed out, by resource, GPU and slice.
	units []unit
	// resources are the names that units refer to, sorted, and for each the
	// units that it hands out.
	resources []deviceResource
	// byDevice finds the units of a device's UUID.
	byDevice map[string][]int
	clique   string   // the fabric clique of all GPUs, "" if they have none in common
	models   []string // see modelsOf
}

// gpu is one physical GPU.
type gpu struct {
	health      v1alpha1.Health
	mig         bool
	utilization int32 // percent
	memoryUsed  int32 // percent
	// nic is the closest PCIe path to a network interface, one with RDMA where
	// the node has any.
	nic topology.Path
	// slices are the GPU's MIG memory slices, 0 where it is not partitioned.
	slices int
}

// unit is one device as one resource hands it out.
type unit struct {
	resource int // index of resources, -1 for what none hands out, as with DRA
	gpu      int
	// instance is the MIG device's place on its GPU; Size 0 for a whole GPU.
	instance topology.MIGInstance
	device   string // UUID
	shares   uint16 // how many may hold it at once
}

func (u *unit) isMIG() bool { return u.instance.Size > 0 }

// deviceResource is one extended resource of a node.
type deviceResource struct {
	name  string
	units []int
	// whole: it hands out whole GPUs to one holder each, and NVIDIA's device
	// plugin picks them by their links.
	whole bool
}

// newBoard reads a report.
func newBoard(n *v1alpha1.GPUNode, known *shapes) (*board, error) {
	graph, err := gpunode.Graph(n)
	if err != nil {
		return nil, fmt.Errorf("GPUNode %s: %w", n.Name, err)
	}
	status := &n.Status
	b := &board{links: known.intern(graph), gpus: make([]gpu, len(status.GPUs)), byDevice: map[string][]int{}}
	type place struct {
		gpu      int
		instance topology.MIGInstance
	}
	places := map[string]place{}
	for i := range status.GPUs {
		g := &status.GPUs[i]
		b.gpus[i] = gpu{health: g.Health, utilization: g.UtilizationPercent, memoryUsed: g.MemoryUsedPercent}
		places[g.UUID] = place{gpu: i}
		if g.MIG == nil || !g.MIG.Enabled {
			continue
		}
		b.gpus[i].mig = true
		for _, m := range g.MIG.Instances {
			places[m.UUID] = place{i, topology.MIGInstance{Start: int(m.Start), Size: int(m.Size)}}
			b.gpus[i].slices = max(b.gpus[i].slices, int(m.Start+m.Size))
		}
		b.gpus[i].slices = sliceCount(b.gpus[i].slices)
	}
	b.readNICs(status.NICs)
	b.clique, b.models = commonClique(status.GPUs), modelsOf(status.GPUs)

	add := func(resource int, device string, shares int32) {
		p, ok := places[device]
		if !ok {
			return // a device of no GPU that is reported can go to nobody
		}
		b.units = append(b.units, unit{resource, p.gpu, p.instance, device, uint16(min(max(shares, 1), 1<<15))}) //nolint:gosec // bounded
	}
	sorted := slices.SortedFunc(slices.Values(status.Resources), func(x, y v1alpha1.DeviceResource) int { return strings.Compare(x.Name, y.Name) })
	for i, r := range sorted {
		first := len(b.units)
		for _, device := range r.Devices {
			add(i, device, r.Replicas)
		}
		fresh := b.units[first:]
		slices.SortFunc(fresh, func(x, y unit) int {
			return cmp.Or(cmp.Compare(x.gpu, y.gpu), cmp.Compare(x.instance.Start, y.instance.Start), strings.Compare(x.device, y.device))
		})
		resource := deviceResource{name: r.Name, whole: r.Replicas <= 1}
		for j := range fresh {
			resource.units = append(resource.units, first+j)
			resource.whole = resource.whole && !fresh[j].isMIG()
		}
		b.resources = append(b.resources, resource)
	}
	for i := range b.units {
		b.byDevice[b.units[i].device] = append(b.byDevice[b.units[i].device], i)
	}
	// What is held though no resource hands it out, such as by DRA.
	for _, a := range status.Allocations {
		if _, ok := b.unitOf(a.Resource, a.Device); !ok {
			if add(-1, a.Device, 1); len(b.units) > 0 && b.units[len(b.units)-1].device == a.Device {
				b.byDevice[a.Device] = append(b.byDevice[a.Device], len(b.units)-1)
			}
		}
	}
	return b, nil
}

// sliceCount is the number of memory slices of a GPU whose instances end at end:
// an A30 has 4, the others that can be partitioned 8 (NVIDIA MIG User Guide).
func sliceCount(end int) int {
	if end <= 4 {
		return 4
	}
	return 8
}

// resource returns a resource by name, -1 if the node has none of that name.
func (b *board) resource(name string) int {
	i, ok := slices.BinarySearchFunc(b.resources, name, func(r deviceResource, name string) int { return strings.Compare(r.name, name) })
	if !ok {
		return -1
	}
	return i
}

// unitOf finds the unit of a device as a resource hands it out, else one that no
// resource does.
func (b *board) unitOf(resource, device string) (int, bool) {
	for _, i := range b.byDevice[device] {
		if r := b.units[i].resource; r < 0 || b.resources[r].name == resource {
			return i, true
		}
	}
	return 0, false
}

func (b *board) readNICs(nics []v1alpha1.NIC) {
	rdma := slices.ContainsFunc(nics, func(n v1alpha1.NIC) bool { return n.RDMA })
	for i := range nics {
		if nics[i].RDMA != rdma {
			continue
		}
		for j, name := range nics[i].GPUPaths {
			if j >= len(b.gpus) {
				break
			}
			if path, err := topology.ParsePath(string(name)); err == nil {
				b.gpus[j].nic = max(b.gpus[j].nic, path)
			}
		}
	}
}

// commonClique names the fabric clique that all GPUs belong to, "" if there is
// none.
func commonClique(gpus []v1alpha1.GPU) string {
	name := ""
	for i := range gpus {
		f := gpus[i].Fabric
		if f == nil {
			return ""
		}
		clique := fmt.Sprintf("%s.%d", f.ClusterUUID, f.Clique)
		if name != "" && clique != name {
			return ""
		}
		name = clique
	}
	return name
}
