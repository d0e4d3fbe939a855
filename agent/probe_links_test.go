package agent

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
)

func TestLinkBetweenTwoGPUs(t *testing.T) {
	to := func(peer string, count int) []NVLink {
		var links []NVLink
		for range count {
			links = append(links, NVLink{Active: true, Peer: peer})
		}
		return links
	}
	a, b := func(g GPUFacts) GPUFacts { g.PCIBusID = "0000:07:00.0"; return g }, func(g GPUFacts) GPUFacts { g.PCIBusID = "0000:0f:00.0"; return g }
	switched := func(count int) []NVLink {
		var links []NVLink
		for range count {
			links = append(links, NVLink{Active: true, Switch: true, Peer: "0000:c4:00.0"})
		}
		return links
	}
	known := func(path v1alpha1.PCIePath) []v1alpha1.PCIePath { return []v1alpha1.PCIePath{path} }
	for _, tt := range []struct {
		name string
		a, b GPUFacts
		want v1alpha1.GPULink
	}{
		{"nothing is known", a(GPUFacts{}), b(GPUFacts{}), v1alpha1.GPULink{B: 1}},
		{"the driver knows the PCIe path", a(GPUFacts{}), b(GPUFacts{Ancestors: known("PSB")}), v1alpha1.GPULink{B: 1, Path: "PSB"}},
		{
			"sysfs knows it",
			a(GPUFacts{Place: Place{Bus: []string{"pci0000:00", "0000:00:01.0"}}}),
			b(GPUFacts{Place: Place{Bus: []string{"pci0000:00", "0000:00:02.0"}}, Ancestors: known("")}),
			v1alpha1.GPULink{B: 1, Path: "PHB"},
		},
		{"four direct NVLinks", a(GPUFacts{Links: to("0000:0f:00.0", 4)}), b(GPUFacts{Links: to("0000:07:00.0", 4), Ancestors: known("SYS")}), v1alpha1.GPULink{B: 1, Path: "SYS", NVLinkLanes: 4}},
		{"one end is down", a(GPUFacts{Links: append(to("0000:0f:00.0", 3), NVLink{})}), b(GPUFacts{Links: to("0000:07:00.0", 4)}), v1alpha1.GPULink{B: 1, NVLinkLanes: 3}},
		{"NVLinks to others", a(GPUFacts{Links: to("0000:47:00.0", 4)}), b(GPUFacts{Links: to("0000:4e:00.0", 4)}), v1alpha1.GPULink{B: 1}},
		{"through NVSwitches, at the width of the narrower end", a(GPUFacts{Links: switched(18)}), b(GPUFacts{Links: switched(16)}), v1alpha1.GPULink{B: 1, NVLinkLanes: 16, NVSwitch: true}},
		{
			"NVSwitches of two cliques",
			a(GPUFacts{Links: switched(18), Fabric: FabricState{ClusterUUID: "x", Clique: 1}}),
			b(GPUFacts{Links: switched(18), Fabric: FabricState{ClusterUUID: "x", Clique: 2}}),
			v1alpha1.GPULink{B: 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := computed(&Facts{GPUs: []GPUFacts{tt.a, tt.b}}, linksProbe).Links
			report(t, "links", cmp.Diff([]v1alpha1.GPULink{tt.want}, got))
		})
	}
}

func TestEachPairIsLinkedOnce(t *testing.T) {
	first, second, third := gpu("a").lanes(12, 0), gpu("b").lanes(12, 0), gpu("c")
	second.ancestor = map[string]v1alpha1.PCIePath{"GPU-a": "PIX"}
	third.ancestor = map[string]v1alpha1.PCIePath{"GPU-a": "SYS", "GPU-b": "NODE"}
	var facts Facts
	must(t, gathered(t, &facts, &Machine{Driver: newFakeDriver(first, second, third)}, inventoryProbe, linksProbe))
	report(t, "links", cmp.Diff([]v1alpha1.GPULink{
		{A: 0, B: 1, Path: "PIX", NVLinkLanes: 12, NVSwitch: true},
		{A: 0, B: 2, Path: "SYS"},
		{A: 1, B: 2, Path: "NODE"},
	}, computed(&facts, linksProbe).Links))
}

func TestAGPUThatDoesNotAnswerKeepsItsLinksAndStopsNoOther(t *testing.T) {
	first, second := gpu("a").lanes(12, 0), gpu("b").lanes(12, 0)
	machine := &Machine{Driver: newFakeDriver(first, second)}
	var facts Facts
	must(t, gathered(t, &facts, machine, inventoryProbe, linksProbe))
	want := computed(&facts, linksProbe).Links

	first.err = ErrLost
	must(t, gathered(t, &facts, machine, inventoryProbe, linksProbe))
	report(t, "links", cmp.Diff(want, computed(&facts, linksProbe).Links))
	if facts.GPUs[0].Lost == nil || facts.GPUs[1].Lost != nil {
		t.Errorf("lost: %v and %v", facts.GPUs[0].Lost, facts.GPUs[1].Lost)
	}

	first.err = errors.New("nvmlDeviceGetNvLinkState: ERROR_UNKNOWN")
	if err := gathered(t, &facts, machine, inventoryProbe, linksProbe); err == nil || err.Error() != "GPU 0: nvmlDeviceGetNvLinkState: ERROR_UNKNOWN" {
		t.Errorf("error %v", err)
	}

	first.err = ErrReloaded
	if err := gathered(t, &facts, machine, inventoryProbe, linksProbe, migProbe); !errors.Is(err, ErrReloaded) || !errors.Is(err, errNotAsked) {
		t.Errorf("error %v", err)
	}
}
