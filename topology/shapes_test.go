package topology

import "testing"

// A shape is a machine that is sold: its GPUs and their links.
type shape struct {
	name string
	gpus []GPU
	link func(a, b int) Link
}

func (s shape) graph(t testing.TB) *Graph {
	t.Helper()
	var pairs []Pair
	for b := range s.gpus {
		for a := range b {
			pairs = append(pairs, Pair{a, b, s.link(a, b)})
		}
	}
	g, err := New(s.gpus, pairs)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// inNodes is n GPUs, as many on each NUMA node.
func inNodes(n, nodes int) []GPU {
	gpus := make([]GPU, n)
	for i := range gpus {
		gpus[i].NUMA = i * nodes / n
	}
	return gpus
}

// twoSockets is the PCIe path on a machine of two sockets with switches of two
// GPUs each.
func twoSockets(n int) func(a, b int) Path {
	return func(a, b int) Path {
		switch {
		case a*2/n != b*2/n:
			return SYS
		case a/2 == b/2:
			return PXB
		default:
			return NODE
		}
	}
}

// switched is a board on which NVSwitches connect all GPUs.
func switched(path func(a, b int) Path, lanes int) func(a, b int) Link {
	return func(a, b int) Link { return Link{Path: path(a, b), Lanes: lanes, Switch: true} }
}

// cubeMesh are the NVLink lanes of a DGX-1 V100.
var cubeMesh = [8][8]int{
	{0, 1, 1, 2, 2, 0, 0, 0},
	{1, 0, 2, 1, 0, 2, 0, 0},
	{1, 2, 0, 2, 0, 0, 1, 0},
	{2, 1, 2, 0, 0, 0, 0, 1},
	{2, 0, 0, 0, 0, 1, 1, 2},
	{0, 2, 0, 0, 1, 0, 2, 1},
	{0, 0, 1, 0, 1, 2, 0, 2},
	{0, 0, 0, 1, 2, 1, 2, 0},
}

var (
	dgxA100 = shape{"DGX A100", inNodes(8, 4), switched(func(a, b int) Path {
		if a/2 == b/2 {
			return PXB
		}
		return SYS
	}, 12)}
	dgxH100 = shape{"DGX H100", inNodes(8, 2), switched(func(a, b int) Path {
		if a/4 == b/4 {
			return NODE
		}
		return SYS
	}, 18)}
	dgx1 = shape{"DGX-1 V100", inNodes(8, 2), func(a, b int) Link {
		path := SYS
		if a/4 == b/4 {
			path = NODE
		}
		if a/2 == b/2 {
			path = PIX
		}
		return Link{Path: path, Lanes: cubeMesh[a][b]}
	}}
	dgx2     = shape{"DGX-2", inNodes(16, 2), switched(twoSockets(16), 6)}
	pcieOnly = shape{"PCIe only", inNodes(8, 2), func(a, b int) Link {
		switch {
		case a/4 != b/4:
			return Link{Path: SYS}
		case a/2 == b/2:
			return Link{Path: PIX}
		case a/4 == 0:
			return Link{Path: PXB}
		default:
			return Link{Path: NODE}
		}
	}}
	halfLinked = shape{"half NVLinked", inNodes(8, 2), func(a, b int) Link {
		l := Link{Path: twoSockets(8)(a, b)}
		if a/2 == b/2 && b < 4 {
			l.Lanes = 4
		}
		return l
	}}
	gb200 = shape{"GB200 tray", inNodes(4, 2), switched(func(a, b int) Path {
		if a/2 == b/2 {
			return NODE
		}
		return SYS
	}, 18)}
	pcie16 = shape{"PCIe only, 16", inNodes(16, 2), func(a, b int) Link { return Link{Path: twoSockets(16)(a, b)} }}

	shapes = []shape{dgxA100, dgxH100, dgx1, dgx2, pcieOnly, halfLinked, gb200, pcie16}
)
