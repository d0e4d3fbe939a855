package agent_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"usher.dev/usher/agent"
	"usher.dev/usher/agent/nvml"
	"usher.dev/usher/api/v1alpha1"
)

// Each fault goes all the way from the mocked driver into the report, and out
// of it again when its cause is gone.
func TestFaultsAreReportedAndPass(t *testing.T) {
	mock, err := nvml.NewMock("dgxh100", "gpu-1")
	if err != nil {
		t.Fatal(err)
	}
	driver := mock.Driver(2 * time.Second)
	t.Cleanup(driver.Close)
	a := &agent.Agent{
		NodeName: "gpu-1", BootID: "boot-1", Machine: &agent.Machine{Driver: driver, Sysfs: mock.Sysfs()},
		Interval: time.Second, Heartbeat: time.Minute, Clock: clock.RealClock{},
		Log: logr.Discard(), Metrics: agent.NewMetrics(prometheus.NewRegistry()),
	}
	play := func(t *testing.T, script string) {
		t.Helper()
		s, err := nvml.ParseScript([]byte(script))
		if err == nil {
			err = mock.Play(s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// comesTo makes rounds until the report says something.
	comesTo := func(t *testing.T, want string) {
		t.Helper()
		var got string
		for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if got = summary(a.Round(t.Context())); got == want {
				return
			}
		}
		t.Fatalf("report (-want +got)\n%s", cmp.Diff(want, got))
	}

	const well = "Complete"
	comesTo(t, well)
	goroutines := runtime.NumGoroutine()
	for _, tt := range []struct{ name, script, want, after string }{
		{"the driver hangs", "faults: [{fault: hang}]", "DriverHung", well},
		{"a call about one GPU hangs", "faults: [{fault: hang, gpu: 3}]", "DriverHung", well},
		{"a GPU is lost", "faults: [{fault: lost, gpu: 3}]", "Complete; 3 Unhealthy: Lost", well},
		{"the driver is unloaded", "faults: [{fault: no-driver}]", "DriverNotLoaded", well},
		{"the fabric manager restarts", "faults: [{fault: fabric-pending, gpu: 0}]", "Complete; 0 Unhealthy: FabricNotReady", well},
		{"NVLinks go down", "faults: [{fault: links-down, gpu: 7, value: 4}]", "Complete; 7 Degraded: NVLinkDown", well},
		{"memory fails", "faults: [{fault: ecc, gpu: 1, value: 2}, {fault: rows-pending, gpu: 1}]", "Complete; 1 Degraded: ECCUncorrectable RowRemapPending", well},
		{"the driver asks for a reset", "faults: [{fault: recovery, gpu: 2, value: 1}]", "Complete; 2 Unhealthy: RecoveryReset", well},
		{"an application fails", "faults: [{fault: xid, gpu: 2, value: 31}]", well, well},
		{
			"an XID and the recovery that it needs", "faults: [{fault: xid, gpu: 5, value: 79}, {fault: recovery, gpu: 5, value: 1}]",
			"Complete; 5 Unhealthy: RecoveryReset XID79", well,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, tt.script)
			comesTo(t, tt.want)
			play(t, "{}")
			comesTo(t, tt.after)
		})
	}

	t.Run("an XID stands until the driver is loaded anew", func(t *testing.T) {
		play(t, "faults: [{fault: xid, gpu: 5, value: 119}]")
		comesTo(t, "Complete; 5 Unhealthy: XID119")
		play(t, "{}")
		comesTo(t, "Complete; 5 Unhealthy: XID119")
		play(t, "faults: [{fault: no-driver}]")
		comesTo(t, "DriverNotLoaded; 5 Unhealthy: XID119")
		play(t, "{}")
		comesTo(t, well)
	})
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > goroutines+2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left of %d", runtime.NumGoroutine(), goroutines)
		}
	}
}

// summary says what a report finds wrong.
func summary(status *v1alpha1.GPUNodeStatus) string {
	words := []string{status.Conditions[0].Reason}
	for _, g := range status.GPUs {
		if g.Health == v1alpha1.Healthy {
			continue
		}
		var codes []string
		for _, r := range g.HealthReasons {
			codes = append(codes, r.Code)
		}
		words = append(words, fmt.Sprintf("%d %s: %s", g.Index, g.Health, strings.Join(codes, " ")))
	}
	return strings.Join(words, "; ")
}
