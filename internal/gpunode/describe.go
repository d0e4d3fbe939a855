package gpunode

import (
	"slices"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/topology"
)

// ResourceGPU is the resource that hands out whole GPUs.
const ResourceGPU = "nvidia.com/gpu"

// Description is a GPUNode as a person wants to know it.
type Description struct {
	Name string `json:"name"`
	// Ready says that pods may be placed by the report; if not, Reason and Message
	// say why.
	Ready   bool   `json:"ready"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	Driver  string `json:"driver,omitempty"`
	CUDA    string `json:"cuda,omitempty"`
	// GPUs are in the order of the report.
	GPUs []Device `json:"gpus"`
	// Links name how each GPU reaches each other, as nvidia-smi does.
	Links [][]string `json:"links"`
	// Free are the indices of the GPUs that can be handed out whole.
	Free []int32 `json:"free"`
	// Best are the best free sets of 1, 2, 4 and 8 GPUs, as far as there are
	// enough.
	Best []Best `json:"best"`

	node *v1alpha1.GPUNode
}

// Device is a GPU and who holds it or its parts.
type Device struct {
	Index     int32                   `json:"index"`
	UUID      string                  `json:"uuid"`
	Health    v1alpha1.Health         `json:"health"`
	Reasons   []v1alpha1.HealthReason `json:"reasons,omitempty"`
	Holders   []Holder                `json:"holders"`
	MIG       bool                    `json:"mig"`
	Instances []Instance              `json:"instances,omitempty"`
}

// Instance is a MIG device and who holds it.
type Instance struct {
	v1alpha1.MIGInstance
	Holders []Holder `json:"holders"`
}

// Holder is a container that has a device or a share of it.
type Holder struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	Container string `json:"container"`
	Replica   string `json:"replica,omitempty"`
}

// Best is the best free set of one size, and what NVIDIA's device plugin will
// pick. Weights are those of package topology.
type Best struct {
	Size   int     `json:"size"`
	GPUs   []int32 `json:"gpus"`
	Weight int     `json:"weight"`
	// Picks are all sets that the plugin may pick: chance decides between them.
	Picks []Pick `json:"picks"`
}

// Pick is a set that the device plugin may pick.
type Pick struct {
	GPUs   []int32 `json:"gpus"`
	Weight int     `json:"weight"`
}

// Well reports whether the node is ready and all of its GPUs can be used.
func (d *Description) Well() bool {
	return d.Ready && !slices.ContainsFunc(d.GPUs, func(g Device) bool { return g.Health == v1alpha1.Unhealthy })
}

// Describe works out what is to be said of a GPUNode.
func Describe(n *v1alpha1.GPUNode) (*Description, error) {
	if err := check(n); err != nil {
		return nil, err
	}
	graph, err := Graph(n)
	if err != nil {
		return nil, err
	}
	d := &Description{
		Name: n.Name, Driver: n.Status.Driver, CUDA: n.Status.CUDA,
		Reason: "NoReport", Message: "no agent has reported yet",
		Links: linksOf(n), GPUs: []Device{}, Best: []Best{}, node: n,
	}
	for _, c := range n.Status.Conditions {
		if c.Type == v1alpha1.ConditionReady {
			d.Ready, d.Reason, d.Message = c.Status == "True", c.Reason, c.Message
		}
	}
	holders := holdersOf(n)
	for _, gpu := range n.Status.GPUs {
		d.GPUs = append(d.GPUs, describeGPU(gpu, holders))
	}
	tables := graph.Tables(Free(n, ResourceGPU))
	indices := func(s topology.Set) []int32 {
		list := make([]int32, 0, s.Len())
		for i := range s.Members() {
			list = append(list, n.Status.GPUs[i].Index)
		}
		return list
	}
	d.Free = indices(tables.Free())
	for _, k := range []int{1, 2, 4, 8} {
		ideal, ok := tables.Ideal(k, topology.BestEffort)
		if !ok {
			break
		}
		best := Best{Size: k, GPUs: indices(ideal.GPUs), Weight: ideal.Weight}
		for _, s := range tables.Picks(k) {
			best.Picks = append(best.Picks, Pick{indices(s), graph.SetWeight(s)})
		}
		d.Best = append(d.Best, best)
	}
	return d, nil
}

func describeGPU(gpu v1alpha1.GPU, holders map[string][]Holder) Device {
	d := Device{Index: gpu.Index, UUID: gpu.UUID, Health: gpu.Health, Reasons: gpu.HealthReasons, Holders: orNone(holders[gpu.UUID])}
	if gpu.MIG == nil {
		return d
	}
	d.MIG = gpu.MIG.Enabled
	for _, instance := range gpu.MIG.Instances {
		d.Instances = append(d.Instances, Instance{instance, orNone(holders[instance.UUID])})
	}
	return d
}

func holdersOf(n *v1alpha1.GPUNode) map[string][]Holder {
	holders := map[string][]Holder{}
	for _, a := range n.Status.Allocations {
		holders[a.Device] = append(holders[a.Device], Holder{a.Namespace, a.Pod, a.Container, a.Replica})
	}
	return holders
}

// orNone is an empty list in JSON, not null.
func orNone(holders []Holder) []Holder {
	if holders == nil {
		return []Holder{}
	}
	return holders
}
