package agent

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"usher.dev/usher/api/v1alpha1"
)

func TestRulesOfHealth(t *testing.T) {
	unhealthy := func(code, message string) []finding { return []finding{{code, v1alpha1.Unhealthy, message}} }
	degraded := func(code, message string) []finding { return []finding{{code, v1alpha1.Degraded, message}} }
	ready := FabricState{Supported: true, Completed: true}
	for _, tt := range []struct {
		name  string
		gpu   GPUFacts
		marks Marks
		want  []finding
	}{
		{"nothing is wrong", GPUFacts{Fabric: ready, Wear: Wear{RecoveryKnown: true}}, Marks{}, nil},
		{"an XID", GPUFacts{}, Marks{XIDs: map[uint64]XIDMark{79: {}}}, unhealthy("XID79", "the driver reported XID 79")},
		{"lost", GPUFacts{Lost: ErrLost}, Marks{}, unhealthy("Lost", "the GPU is lost")},
		{"a reset is required", GPUFacts{Lost: ErrResetRequired}, Marks{}, unhealthy("Lost", "the GPU must be reset")},
		{"recovery: reset", GPUFacts{Wear: Wear{RecoveryKnown: true, Recovery: 1}}, Marks{}, unhealthy("RecoveryReset", "the driver asks for a reset of the GPU")},
		{"recovery: reboot", GPUFacts{Wear: Wear{RecoveryKnown: true, Recovery: 2}}, Marks{}, unhealthy("RecoveryReboot", "the driver asks for a reboot of the node")},
		{"recovery: drain", GPUFacts{Wear: Wear{RecoveryKnown: true, Recovery: 3}}, Marks{}, unhealthy("RecoveryDrainP2P", "the driver asks to stop all peer-to-peer traffic of the GPU")},
		{"recovery: one that is newer than the agent", GPUFacts{Wear: Wear{RecoveryKnown: true, Recovery: 42}}, Marks{}, unhealthy("Recovery42", "the driver asks for recovery action 42")},
		{"memory errors on a driver that says no more", GPUFacts{Wear: Wear{Uncorrected: 1}}, Marks{}, unhealthy("ECCUncorrectable", "uncorrectable memory errors since the GPU was last reset")},
		{"memory errors that the driver contained", GPUFacts{Wear: Wear{Uncorrected: 1, RecoveryKnown: true}}, Marks{}, degraded("ECCUncorrectable", "uncorrectable memory errors since the GPU was last reset; the driver has contained them and asks for no recovery")},
		{"no spare rows", GPUFacts{Wear: Wear{RowsFailed: true}}, Marks{}, unhealthy("RowRemapFailed", "a memory row could not be remapped: the GPU is to be replaced")},
		{"rows to be remapped", GPUFacts{Wear: Wear{RowsPending: true}}, Marks{}, degraded("RowRemapPending", "memory rows are remapped at the next reset")},
		{"pages to be retired", GPUFacts{Wear: Wear{PagesPending: true}}, Marks{}, degraded("PageRetirementPending", "memory pages are retired at the next reset")},
		{"NVLink errors a minute ago", GPUFacts{}, Marks{LinkErrorsAt: noon.Add(-time.Minute)}, degraded("NVLinkErrors", "NVLinks replay data or recover")},
		{"NVLink errors long ago", GPUFacts{}, Marks{LinkErrorsAt: noon.Add(-time.Hour)}, nil},
		{"the fabric manager is not ready", GPUFacts{Fabric: FabricState{Supported: true}}, Marks{}, unhealthy("FabricNotReady", "the GPU has not registered with the NVLink fabric")},
		{"the fabric refuses", GPUFacts{Fabric: FabricState{Supported: true, Completed: true, Failure: "ERROR_UNKNOWN"}}, Marks{}, unhealthy("FabricFailed", "the GPU could not join the NVLink fabric: ERROR_UNKNOWN")},
		{"the fabric is unhealthy", GPUFacts{Fabric: FabricState{Supported: true, Completed: true, Unhealthy: true, Degraded: true}}, Marks{}, unhealthy("FabricUnhealthy", "the NVLink fabric calls the GPU unhealthy")},
		{"the fabric is degraded", GPUFacts{Fabric: FabricState{Supported: true, Completed: true, Degraded: true}}, Marks{}, degraded("FabricDegraded", "the NVLink fabric serves the GPU with less than full bandwidth")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := judge(&tt.gpu, tt.marks, 0, noon)
			report(t, "findings", cmp.Diff(tt.want, got, cmp.AllowUnexported(finding{})))
		})
	}
}

// roundOf is one round in the life of a GPU.
type roundOf struct {
	after    time.Duration // since the round before
	events   []uint64
	recovery Recovery
	lost     bool
	want     []uint64 // XIDs that stand against it afterwards
}

func TestXIDsStandUntilTheirCauseIsGone(t *testing.T) {
	for _, tt := range []struct {
		name    string
		unknown bool // the driver does not tell recovery actions
		rounds  []roundOf
	}{
		{"the application's own never stand", false, []roundOf{{events: []uint64{13, 31, 43, 45, 68, 109}}}},
		{"nor do those that other rules judge", false, []roundOf{{events: []uint64{63, 94, 154}}}},
		{"until the recovery that the driver asks for is done", false, []roundOf{
			{events: []uint64{79}, want: []uint64{79}},
			{after: 10 * time.Second, recovery: 1, want: []uint64{79}},
			{after: time.Hour, recovery: 1, want: []uint64{79}},
			{after: 10 * time.Second},
		}},
		{"until the driver has long enough asked for none", false, []roundOf{
			{events: []uint64{48}, want: []uint64{48}},
			{after: 4 * time.Minute, want: []uint64{48}},
			{after: time.Minute},
		}},
		{"a second time begins anew", false, []roundOf{
			{events: []uint64{48}, want: []uint64{48}},
			{after: 4 * time.Minute, events: []uint64{48}, want: []uint64{48}},
			{after: 4 * time.Minute, want: []uint64{48}},
			{after: time.Minute},
		}},
		{"not while the GPU is lost", false, []roundOf{
			{events: []uint64{79}, want: []uint64{79}},
			{after: time.Hour, lost: true, want: []uint64{79}},
			{after: 10 * time.Second},
		}},
		{"for ever where the driver does not tell", true, []roundOf{
			{events: []uint64{79}, want: []uint64{79}},
			{after: 24 * time.Hour, want: []uint64{79}},
		}},
		{"not for ever when the clock is set back", false, []roundOf{
			{events: []uint64{48}, want: []uint64{48}},
			{after: -24 * time.Hour},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var marks Marks
			now := noon
			for i, round := range tt.rounds {
				now = now.Add(round.after)
				gpu := &GPUFacts{Identity: Identity{UUID: "GPU-a"}, Wear: Wear{RecoveryKnown: !tt.unknown, Recovery: round.recovery}}
				if round.lost {
					gpu.Lost = ErrLost
				}
				events := []Event{{UUID: "GPU-b", XID: 79}}
				for _, xid := range round.events {
					events = append(events, Event{UUID: "GPU-a", XID: xid})
				}
				marks = marks.next(gpu, events, now)
				if diff := cmp.Diff(round.want, sortedKeys(marks.XIDs)); diff != "" {
					t.Errorf("round %d (-want +got)\n%s", i, diff)
				}
			}
		})
	}
}

func TestNewMarksChangeNoOldOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xid := rapid.SampledFrom([]uint64{13, 48, 79, 119})
		old := Marks{XIDs: map[uint64]XIDMark{}}
		for _, x := range rapid.SliceOf(xid).Draw(t, "before") {
			old.XIDs[x] = XIDMark{Last: noon, Asked: rapid.Bool().Draw(t, "asked")}
		}
		was := old
		was.XIDs = maps.Clone(old.XIDs)
		gpu := &GPUFacts{Identity: Identity{UUID: "GPU-a"}, Wear: Wear{RecoveryKnown: rapid.Bool().Draw(t, "known"), Recovery: Recovery(rapid.IntRange(0, 2).Draw(t, "recovery"))}}
		var events []Event
		for _, x := range rapid.SliceOf(xid).Draw(t, "events") {
			events = append(events, Event{UUID: "GPU-a", XID: x})
		}
		next := old.next(gpu, events, noon.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds"))*time.Second))
		if diff := cmp.Diff(was, old); diff != "" {
			t.Errorf("the old marks changed (-want +got)\n%s", diff)
		}
		for _, e := range events {
			if _, stands := next.XIDs[e.XID]; !stands && e.XID != 13 && gpu.Wear.Recovery != RecoveryNone {
				t.Errorf("XID %d is forgotten", e.XID)
			}
		}
	})
}

func TestNVLinkErrorsCountWhenTheyGrow(t *testing.T) {
	now := noon
	at := func(errors uint64) *GPUFacts {
		return &GPUFacts{Links: []NVLink{{Active: true, Errors: errors}, {Active: true, Errors: 1}}}
	}
	marks := Marks{}.next(at(7), nil, now)
	if !marks.LinkErrorsAt.IsZero() {
		t.Error("what was counted before the agent started is held against the GPU")
	}
	now = now.Add(time.Minute)
	marks = marks.next(at(8), nil, now)
	if !marks.LinkErrorsAt.Equal(now) {
		t.Errorf("errors at %s", marks.LinkErrorsAt)
	}
	if reset := marks.next(at(0), nil, now.Add(time.Minute)); !reset.LinkErrorsAt.Equal(now) {
		t.Error("a counter that starts anew counts as an error")
	}
}

func TestMarksOfAnEarlierAgent(t *testing.T) {
	status := &v1alpha1.GPUNodeStatus{GPUs: []v1alpha1.GPU{
		{UUID: "GPU-a", HealthReasons: []v1alpha1.HealthReason{{Code: "XID48"}, {Code: "XID79"}, {Code: "Lost"}, {Code: "XIDs"}}},
		{UUID: "GPU-b"},
	}}
	restored := restoredMarks(status, noon)
	mark := XIDMark{Last: noon, Restored: true}
	report(t, "marks", cmp.Diff(map[string]Marks{"GPU-a": {XIDs: map[uint64]XIDMark{48: mark, 79: mark}}}, restored))

	own := XIDMark{Last: noon.Add(time.Second)}
	all := merged(restored, map[string]Marks{"GPU-a": {XIDs: map[uint64]XIDMark{79: own}, Lanes: 18}, "GPU-c": {Lanes: 18}})
	report(t, "merged", cmp.Diff(map[string]Marks{
		"GPU-a": {XIDs: map[uint64]XIDMark{48: mark, 79: own}, Lanes: 18},
		"GPU-c": {Lanes: 18},
	}, all))

	for known, want := range map[bool][]uint64{true: {48, 79}, false: nil} {
		gpu := &GPUFacts{Identity: Identity{UUID: "GPU-a"}, Wear: Wear{RecoveryKnown: known}}
		got := restored["GPU-a"].next(gpu, nil, noon.Add(time.Second))
		report(t, "after a restart", cmp.Diff(want, sortedKeys(got.XIDs)))
	}
}
