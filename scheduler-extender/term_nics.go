package extender

import "usher.dev/usher/topology"

// termNICs is how near the predicted GPUs are to the network and to one another's
// CPUs: half the mean of each GPU's PCIe path to its closest NIC (one with RDMA
// where the node has any), half one over the number of NUMA nodes that the GPUs
// are on; a GPU whose NUMA node is not known counts as on another one.
var termNICs = term{
	name: "nics", weight: 10, static: true,
	what:  "every predicted GPU shares a PCIe board with a NIC, and all are on one NUMA node",
	score: scoreNICs,
}

func scoreNICs(p *placement) float64 {
	nic, numa := 0.0, map[int]struct{}{}
	for i := range p.gpus.Members() {
		nic += float64(p.board.gpus[i].nic) / float64(topology.PSB)
		node := p.board.links.GPU(i).NUMA
		if node < 0 {
			node = -1 - i
		}
		numa[node] = struct{}{}
	}
	if len(numa) == 0 {
		return 0
	}
	return nic/float64(p.gpus.Len())/2 + 1/float64(len(numa))/2
}
