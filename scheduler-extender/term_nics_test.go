package extender

import (
	"testing"

	"usher.dev/usher/api/v1alpha1"
)

func TestNICsAndNUMANodesCountHalfEach(t *testing.T) {
	g := made("n", 4, pairs, func(i int) int32 { return int32(i / 2) })
	g.Status.GPUs[3].NUMANode = nil
	g.Status.NICs = []v1alpha1.NIC{
		{Name: "ib0", RDMA: true, GPUPaths: []v1alpha1.PCIePath{"PSB", "PIX", "SYS", "SYS"}},
		{Name: "eth0", GPUPaths: []v1alpha1.PCIePath{"SYS", "SYS", "PSB", "PSB"}},
	}
	b := boardOf(t, g)
	near(t, "beside an RDMA NIC", scoreNICs(at(b, b.empty(), 0)), 1)
	near(t, "behind one switch", scoreNICs(at(b, b.empty(), 1)), (5.0/6+1)/2)
	near(t, "a NIC without RDMA does not count beside one", scoreNICs(at(b, b.empty(), 2)), (1.0/6+1)/2)
	near(t, "two on one NUMA node", scoreNICs(at(b, b.empty(), 0, 1)), (11.0/12+1)/2)
	near(t, "two on two", scoreNICs(at(b, b.empty(), 0, 2)), (7.0/12+0.5)/2)
	near(t, "an unknown node is another one", scoreNICs(at(b, b.empty(), 2, 3)), (1.0/6+0.5)/2)
	g.Status.NICs = g.Status.NICs[1:]
	b = boardOf(t, g)
	near(t, "a NIC without RDMA counts alone", scoreNICs(at(b, b.empty(), 2)), 1)
}
