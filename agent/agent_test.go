package agent

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

// step makes one round at a time after the one before.
func (a *Agent) at(t *testing.T, store Store, clock interface{ Step(time.Duration) }, after time.Duration) {
	t.Helper()
	clock.Step(after)
	a.step(t.Context(), store)
}

func sequences(store *fakeStore) []int64 {
	var got []int64
	for _, node := range store.writes {
		got = append(got, node.Status.Sequence)
	}
	return got
}

func TestReportsAreWrittenOnChangeAndAsAHeartbeat(t *testing.T) {
	device := gpu("a")
	a, clock := newAgent(&Machine{Driver: newFakeDriver(device)})
	store := &fakeStore{}
	a.at(t, store, clock, 0)
	a.at(t, store, clock, 10*time.Second) // nothing has changed
	a.at(t, store, clock, 10*time.Second)
	device.wear.RowsPending = true
	a.at(t, store, clock, 10*time.Second)
	a.at(t, store, clock, 10*time.Second)
	a.at(t, store, clock, time.Minute) // the heartbeat
	report(t, "sequences", cmp.Diff([]int64{1, 2, 3}, sequences(store)))
	last := store.writes[2].Status
	if !last.Heartbeat.Time.Equal(clock.Now()) || last.HeartbeatSeconds != 60 || last.BootID != "boot-1" {
		t.Errorf("heartbeat %s every %d s, boot %s", last.Heartbeat, last.HeartbeatSeconds, last.BootID)
	}
}

func TestSequencesGoOnWithinABoot(t *testing.T) {
	for _, tt := range []struct {
		name, boot string
		want       []int64
	}{
		{"the same boot", "boot-1", []int64{42}},
		{"another boot", "boot-0", []int64{1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, clock := newAgent(&Machine{Driver: newFakeDriver(gpu("a"))})
			store := &fakeStore{stored: &v1alpha1.GPUNode{Status: v1alpha1.GPUNodeStatus{BootID: tt.boot, Sequence: 41}}}
			a.at(t, store, clock, 0)
			report(t, "sequences", cmp.Diff(tt.want, sequences(store)))
		})
	}
}

func TestAnXIDOutlivesTheAgentButNotTheBoot(t *testing.T) {
	since := metav1.NewTime(noon.Add(-time.Hour))
	for boot, want := range map[string]v1alpha1.Health{"boot-1": v1alpha1.Unhealthy, "boot-0": v1alpha1.Healthy} {
		device := gpu("a")
		device.wear = Wear{RecoveryKnown: true}
		a, clock := newAgent(&Machine{Driver: newFakeDriver(device)})
		store := &fakeStore{stored: &v1alpha1.GPUNode{Status: v1alpha1.GPUNodeStatus{BootID: boot, GPUs: []v1alpha1.GPU{
			{UUID: "GPU-a", HealthReasons: []v1alpha1.HealthReason{{Code: "XID79", Since: &since}}},
		}}}}
		a.at(t, store, clock, 0)
		got := store.writes[0].Status.GPUs[0]
		if got.Health != want {
			t.Errorf("boot %s: %s", boot, got.Health)
		}
		if want == v1alpha1.Unhealthy && !got.HealthReasons[0].Since.Equal(&since) {
			t.Errorf("since %s", got.HealthReasons[0].Since)
		}
		a.at(t, store, clock, 6*time.Minute)
		if got := store.writes[1].Status.GPUs[0].Health; got != v1alpha1.Healthy {
			t.Errorf("boot %s, later: %s", boot, got)
		}
	}
}

func TestWhileTheAPIServerIsAwayTheNewestReportIsKept(t *testing.T) {
	device := gpu("a")
	a, clock := newAgent(&Machine{Driver: newFakeDriver(device)})
	store := &fakeStore{}
	a.at(t, store, clock, 0)
	store.err = errAway
	asked := store.asked
	for i := range 60 {
		device.load.Percent = i % 2 * 100 // there is something to tell all the time
		device.wear.RowsPending = i%2 == 0
		a.at(t, store, clock, time.Second)
	}
	if attempts := store.asked - asked; attempts < 4 || attempts > 8 {
		t.Errorf("%d attempts in a minute; want them to become rarer", attempts)
	}
	if detail, err := a.ready(); err != nil || detail != "the newest report is not written yet" {
		t.Errorf("ready: %q, %v", detail, err)
	}
	store.err = nil
	device.wear.RowsPending = false
	a.at(t, store, clock, 2*time.Minute)
	report(t, "sequences", cmp.Diff([]int64{1, 2}, sequences(store)))
	if got := store.writes[1].Status.GPUs[0].Health; got != v1alpha1.Healthy {
		t.Errorf("not the newest: %s", got)
	}
}

func TestAWriteThatFailedIsMadeUpForEvenIfNothingIsNew(t *testing.T) {
	device := gpu("a")
	a, clock := newAgent(&Machine{Driver: newFakeDriver(device)})
	store := &fakeStore{}
	a.at(t, store, clock, 0)
	store.err, device.wear.RowsPending = errAway, true
	a.at(t, store, clock, 10*time.Second)
	store.err, device.wear.RowsPending = nil, false
	a.at(t, store, clock, 10*time.Second)
	if a.failures > 0 || len(store.writes) != 2 {
		t.Errorf("%d writes, %d failures", len(store.writes), a.failures)
	}
}

func TestAnAPIServerThatWasNeverThereIsWaitedFor(t *testing.T) {
	a, clock := newAgent(&Machine{Driver: newFakeDriver(gpu("a"))})
	store := &fakeStore{err: errAway}
	a.at(t, store, clock, 0)
	if _, err := a.ready(); err == nil {
		t.Error("ready before anything was reported")
	}
	store.err = nil
	a.at(t, store, clock, time.Minute)
	if _, err := a.ready(); err != nil || len(store.writes) != 1 {
		t.Errorf("%d writes, ready: %v", len(store.writes), err)
	}
}

func TestAReportThatSomebodyElseHasChangedIsWrittenAnew(t *testing.T) {
	device := gpu("a")
	a, clock := newAgent(&Machine{Driver: newFakeDriver(device)})
	store := &fakeStore{}
	a.at(t, store, clock, 0)
	store.stored.Status.Sequence = 17
	device.wear.RowsPending = true
	a.at(t, store, clock, 10*time.Second) // refused
	a.at(t, store, clock, 10*time.Second)
	report(t, "sequences", cmp.Diff([]int64{1, 18}, sequences(store)))
	store.stored = nil // deleted; only the heartbeat finds out
	a.at(t, store, clock, time.Minute)
	report(t, "sequences", cmp.Diff([]int64{1, 18, 19}, sequences(store)))
}

func TestAClockThatJumpsSilencesNobody(t *testing.T) {
	for _, jump := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		a, clock := newAgent(&Machine{Driver: newFakeDriver(gpu("a"))})
		store := &fakeStore{}
		a.at(t, store, clock, 0)
		clock.SetTime(noon.Add(jump))
		a.step(t.Context(), store)
		store.err = errAway
		a.at(t, store, clock, time.Minute)
		clock.SetTime(noon.Add(-jump))
		store.err = nil
		a.at(t, store, clock, 2*time.Minute)
		report(t, fmt.Sprintf("jump by %s", jump), cmp.Diff([]int64{1, 2, 3}, sequences(store)))
	}
}

func TestAnAgentWithAnOldLibraryReportsItAndEnds(t *testing.T) {
	driver := newFakeDriver(gpu("a"))
	driver.err = ErrMismatch
	a, clock := newAgent(&Machine{Driver: driver})
	store := &fakeStore{}
	a.at(t, store, clock, 0)
	if err := a.mismatch(); err != nil {
		t.Errorf("at once: %v", err)
	}
	clock.Step(mismatchPatience)
	if err := a.mismatch(); err == nil {
		t.Error("it goes on")
	}
	if got := store.writes[0].Status.Conditions[0]; got.Reason != "LibraryMismatch" {
		t.Errorf("reported %+v", got)
	}
	driver.err = nil
	a.at(t, store, clock, time.Second)
	if err := a.mismatch(); err != nil {
		t.Errorf("when it is over: %v", err)
	}
}

func TestRunLooksWhenSomethingHappensAndEndsWithItsContext(t *testing.T) {
	driver := newFakeDriver(gpu("a"))
	a, clock := newAgent(&Machine{Driver: driver})
	a.Interval, a.Heartbeat = time.Hour, time.Hour
	store := &fakeStore{}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() {
		if err := a.Run(ctx, store); err != nil {
			t.Error(err)
		}
	})
	waiting := func() {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !clock.HasWaiters(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the agent does not wait")
			}
		}
	}
	waiting()
	driver.changed <- struct{}{}
	clock.Step(eventPause)
	for deadline := time.Now().Add(30 * time.Second); len(driver.changed) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the agent does not look")
		}
	}
	waiting()
	cancel()
	run.Wait()
	if !driver.closed {
		t.Error("the session is left open")
	}
	report(t, "sequences", cmp.Diff([]int64{1}, sequences(store)))
}

func TestJitterStaysWithinAFifth(t *testing.T) {
	for range 1000 {
		if got := jitter(time.Minute); got < 48*time.Second || got > time.Minute {
			t.Fatal(got)
		}
	}
}
