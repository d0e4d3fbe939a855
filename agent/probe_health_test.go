package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
)

func TestHealthIsTheWorstOfWhatIsWrong(t *testing.T) {
	well, worn, bad := gpu("a").lanes(18, 0), gpu("b").lanes(18, 0), gpu("c").lanes(18, 0)
	worn.wear = Wear{RowsPending: true, PagesPending: true}
	bad.wear = Wear{RowsPending: true, RowsFailed: true, RecoveryKnown: true, Recovery: 4}
	driver := newFakeDriver(well, worn, bad)
	driver.events = []Event{{UUID: "GPU-c", XID: 79}, {UUID: "GPU-a", XID: 31}}
	var facts Facts
	must(t, gathered(t, &facts, &Machine{Driver: driver}, inventoryProbe, linksProbe, healthProbe))
	gpus := computed(&facts, inventoryProbe, healthProbe).GPUs
	type health struct {
		Health  v1alpha1.Health
		Reasons []v1alpha1.HealthReason
	}
	var got []health
	for _, g := range gpus {
		got = append(got, health{g.Health, g.HealthReasons})
	}
	report(t, "health", cmp.Diff([]health{
		{v1alpha1.Healthy, nil},
		{v1alpha1.Degraded, []v1alpha1.HealthReason{
			{Code: "PageRetirementPending", Message: "memory pages are retired at the next reset"},
			{Code: "RowRemapPending", Message: "memory rows are remapped at the next reset"},
		}},
		{v1alpha1.Unhealthy, []v1alpha1.HealthReason{
			{Code: "RecoveryDrainAndReset", Message: "the driver asks to drain the GPU, then to reset it"},
			{Code: "RowRemapFailed", Message: "a memory row could not be remapped: the GPU is to be replaced"},
			{Code: "RowRemapPending", Message: "memory rows are remapped at the next reset"},
			{Code: "XID79", Message: "the driver reported XID 79"},
		}},
	}, got))
}

func TestAGPUWithFewerNVLinksThanItsPeersIsDegraded(t *testing.T) {
	for _, tt := range []struct {
		name    string
		devices []*fakeDevice
		want    []int // GPUs that are degraded
	}{
		{"all of them up", []*fakeDevice{gpu("a").lanes(18, 0), gpu("b").lanes(18, 0)}, nil},
		{"one end of one down", []*fakeDevice{gpu("a").lanes(18, 0), gpu("b").lanes(17, 1)}, []int{1}},
		{"all of one down", []*fakeDevice{gpu("a").lanes(0, 18), gpu("b").lanes(18, 0)}, []int{0}},
		{"boards that use only some", []*fakeDevice{gpu("a").lanes(12, 6), gpu("b").lanes(12, 6)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var facts Facts
			must(t, gathered(t, &facts, &Machine{Driver: newFakeDriver(tt.devices...)}, inventoryProbe, linksProbe, healthProbe))
			var got []int
			for i, g := range computed(&facts, inventoryProbe, healthProbe).GPUs {
				if g.Health == v1alpha1.Degraded && g.HealthReasons[0].Code == "NVLinkDown" {
					got = append(got, i)
				}
			}
			report(t, "degraded", cmp.Diff(tt.want, got))
		})
	}
}

func TestADirectNVLinkThatGoesDownIsMissed(t *testing.T) {
	device := gpu("a")
	device.links = []NVLink{{Active: true, Peer: "0000:0f:00.0"}, {Active: true, Peer: "0000:0f:00.0"}, {}}
	machine := &Machine{Driver: newFakeDriver(device)}
	var facts Facts
	reasons := func() []v1alpha1.HealthReason {
		must(t, gathered(t, &facts, machine, inventoryProbe, linksProbe, healthProbe))
		return computed(&facts, inventoryProbe, healthProbe).GPUs[0].HealthReasons
	}
	if got := reasons(); got != nil {
		t.Errorf("links that never were up are missed: %v", got)
	}
	device.links[0].Active = false
	report(t, "one down", cmp.Diff([]v1alpha1.HealthReason{{Code: "NVLinkDown", Message: "1 of 2 NVLinks are up"}}, reasons()))
	device.links[0].Active = true
	if got := reasons(); got != nil {
		t.Errorf("up again: %v", got)
	}
}

func TestEventsAreNotLostWhileTheDriverHangs(t *testing.T) {
	driver := newFakeDriver(gpu("a"))
	machine := &Machine{Driver: driver}
	var facts Facts
	must(t, gathered(t, &facts, machine, inventoryProbe, healthProbe))
	driver.err, driver.events = ErrHung, []Event{{UUID: "GPU-a", XID: 119}}
	_ = gathered(t, &facts, machine, inventoryProbe, healthProbe)
	if got := computed(&facts, inventoryProbe, healthProbe).GPUs[0]; got.Health != v1alpha1.Unhealthy {
		t.Errorf("health %s", got.Health)
	}
}
