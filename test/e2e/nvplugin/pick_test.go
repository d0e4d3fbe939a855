package nvplugin

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/go-gpuallocator/gpuallocator"
	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
)

// board makes a node of n GPUs named a, b, c…, whose links say how each pair is
// connected.
func board(n int, connect func(a, b int) v1alpha1.GPULink) *v1alpha1.GPUNode {
	node := &v1alpha1.GPUNode{}
	for a := range n {
		node.Status.GPUs = append(node.Status.GPUs, v1alpha1.GPU{Index: int32(a), UUID: string(rune('a' + a))})
		for b := a + 1; b < n; b++ {
			l := connect(a, b)
			l.A, l.B = int32(a), int32(b)
			node.Status.Links = append(node.Status.Links, l)
		}
	}
	return node
}

// pcie has two GPUs on each PCIe switch and four on each socket.
func pcie(a, b int) v1alpha1.GPULink {
	switch {
	case a/2 == b/2:
		return v1alpha1.GPULink{Path: "PIX"}
	case a/4 == b/4:
		return v1alpha1.GPULink{Path: "NODE"}
	default:
		return v1alpha1.GPULink{Path: "SYS"}
	}
}

// bridged adds an NVLink bridge of four lanes across the sockets: a-e, b-f….
func bridged(a, b int) v1alpha1.GPULink {
	l := pcie(a, b)
	if b-a == 4 {
		l.NVLinkLanes = 4
	}
	return l
}

// switched has NVSwitches between all GPUs.
func switched(a, b int) v1alpha1.GPULink {
	l := pcie(a, b)
	l.NVLinkLanes, l.NVSwitch = 18, true
	return l
}

func ids(letters string) []string {
	if letters == "" {
		return nil
	}
	return strings.Split(letters, "")
}

func TestWholeGPUs(t *testing.T) {
	for _, test := range []struct {
		name                string
		node                *v1alpha1.GPUNode
		available, required string
		size                int
		want                string
	}{
		{"one GPU is the first that the kubelet names", board(8, pcie), "dbca", "", 1, "d"},
		{"two GPUs share a PCIe switch", board(8, pcie), "abcdefgh", "", 2, "ab"},
		{"the order of the kubelet decides between equal pairs", board(8, pcie), "ghabcdef", "", 2, "gh"},
		{"a whole pair is taken before it breaks two", board(8, pcie), "acdf", "", 2, "cd"},
		{"four GPUs share a socket", board(8, pcie), "bacdefgh", "", 4, "bacd"},
		{"the pair of a required GPU", board(8, pcie), "abcdefgh", "f", 2, "ef"},
		{"a bridge counts more than a PCIe switch", board(8, bridged), "abcdefgh", "", 2, "ae"},
		{
			"no more than 18 lanes count",
			board(3, func(a, _ int) v1alpha1.GPULink {
				if a == 0 {
					return v1alpha1.GPULink{Path: "PIX", NVLinkLanes: 18}
				}
				return v1alpha1.GPULink{Path: "SYS", NVLinkLanes: 18}
			}),
			"cba", "", 2, "ca",
		},
		{"NVSwitch is not seen", board(8, switched), "abcdefgh", "", 2, "ab"},
		{"all of them", board(8, pcie), "abcdefgh", "", 8, "abcdefgh"},
		{"more than there are", board(8, pcie), "abc", "", 4, ""},
		{"none", board(8, pcie), "abc", "", 0, ""},
		{
			"a pair on a bridge is no answer where three are wanted",
			board(5, func(a, b int) v1alpha1.GPULink {
				l := v1alpha1.GPULink{Path: "SYS"}
				if a == 3 && b == 4 {
					l.NVLinkLanes = 18
				}
				return l
			}),
			"abcde", "", 3, "ade",
		},
		{"pairs of 16 GPUs", board(16, pcie), "abcdefghijklmnop", "", 2, "ab"},
		{"eight of 16 GPUs with a required one", board(16, pcie), "abcdefghijklmnop", "p", 8, "abcdmnop"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Pick(test.node, ids(test.available), ids(test.required), test.size)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSharesAndMIGDevices(t *testing.T) {
	node := board(4, pcie)
	node.Status.Resources = []v1alpha1.DeviceResource{
		{Name: "nvidia.com/gpu.shared", Devices: []string{"a", "b", "c"}, Replicas: 3},
		{Name: "nvidia.com/mig-1g.10gb", Devices: []string{"MIG-1", "MIG-2"}, Replicas: 1},
	}
	for _, test := range []struct {
		name                string
		available, required []string
		size                int
		want                []string
	}{
		{
			"a share of the GPU that is used least",
			[]string{"a::0", "a::1", "b::0", "b::1", "b::2", "c::2"},
			nil, 1,
			[]string{"b::0"},
		},
		{
			"two shares of different GPUs",
			[]string{"b::2", "b::1", "b::0", "c::0", "c::1", "c::2", "a::0", "a::1"},
			nil, 2,
			[]string{"b::2", "c::0"},
		},
		{
			"a required share counts as taken",
			[]string{"a::0", "a::1", "a::2", "b::0", "b::1", "b::2"},
			[]string{"a::1"},
			2,
			[]string{"a::1", "b::0"},
		},
		{"MIG devices in the kubelet's order", []string{"MIG-2", "MIG-1"}, nil, 1, []string{"MIG-2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Pick(node, test.available, test.required, test.size)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTooFewShares(t *testing.T) {
	if got, err := Pick(board(1, pcie), []string{"a::0"}, nil, 2); err == nil {
		t.Errorf("picked %v", got)
	}
}

func TestMoreNVLinksThanAGPUCanHave(t *testing.T) {
	node := board(4, func(int, int) v1alpha1.GPULink { return v1alpha1.GPULink{Path: "SYS", NVLinkLanes: 18} })
	if got, err := Pick(node, ids("abcd"), nil, 2); err == nil {
		t.Errorf("picked %v", got)
	}
}

func TestAPathThatTheDriverDoesNotSay(t *testing.T) {
	unknown := func(int, int) v1alpha1.GPULink { return v1alpha1.GPULink{} }
	if got, err := Pick(board(2, unknown), ids("ab"), nil, 1); err == nil {
		t.Errorf("picked %v", got)
	}
}

// The rule that stands in for go-gpuallocator must be its rule: wherever both
// answer, on boards and remainders of every kind, the sums of scores are equal.
// Which of the ways with that sum go-gpuallocator takes depends on the order.
func TestTheRuleIsThatOfTheAllocator(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	paths := []v1alpha1.PCIePath{"SYS", "NODE", "PHB", "PXB", "PIX", "PSB"}
	for range 300 {
		n := 2 + random.IntN(7)
		node := board(n, func(int, int) v1alpha1.GPULink {
			l := v1alpha1.GPULink{Path: paths[random.IntN(len(paths))]}
			if random.IntN(2) == 0 {
				l.NVLinkLanes, l.NVSwitch = int32(random.IntN(5)), random.IntN(4) == 0
			}
			return l
		})
		available := ids("abcdefgh"[:n])
		random.Shuffle(n, func(i, j int) { available[i], available[j] = available[j], available[i] })
		size := 1 + random.IntN(n)
		required := available[:random.IntN(min(size, 3))]

		want := allocate(t, node, available, required, size)
		if slices.Contains(want, "") {
			continue
		}
		got := partition(node, available, required, size)
		d := newDivider(node, available, size)
		if total(d, available, got) != total(d, available, want) {
			t.Fatalf("of %v with %v, %d: got %v (%d), go-gpuallocator %v (%d)", available, required, size,
				got, total(d, available, got), want, total(d, available, want))
		}
	}
}

// allocate asks go-gpuallocator. What is missing is "".
func allocate(t *testing.T, node *v1alpha1.GPUNode, available, required []string, size int) []string {
	t.Helper()
	devices, err := gpuallocator.NewDevices(gpuallocator.WithNvmlLib(driver(node)))
	if err != nil {
		t.Fatal(err)
	}
	free, err := devices.Filter(available)
	if err != nil {
		t.Fatal(err)
	}
	must, err := devices.Filter(required)
	if err != nil {
		t.Fatal(err)
	}
	var picked []string
	for _, gpu := range gpuallocator.NewBestEffortPolicy().Allocate(free, must, size) {
		if gpu == nil {
			picked = append(picked, "")
			continue
		}
		picked = append(picked, gpu.UUID)
	}
	return picked
}

// total is the best sum of a division that has the set picked.
func total(d *divider, available, picked []string) int {
	var set gpuSet
	for _, id := range picked {
		set |= 1 << slices.Index(available, id)
	}
	all := gpuSet(1)<<len(available) - 1
	return d.score(set) + d.best(all&^set)
}
