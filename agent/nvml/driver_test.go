package nvml

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/agent"
	"usher.dev/usher/api/v1alpha1"
)

// machine returns a mock and its driver, with a limit that calls which hang
// reach soon.
func machine(t *testing.T, limit time.Duration) (*Mock, *Driver) {
	t.Helper()
	mock, err := NewMock("dgxh100", "gpu-1")
	must(t, err)
	driver := mock.Driver(limit)
	t.Cleanup(func() {
		must(t, mock.Play(Script{}))
		driver.Close()
	})
	return mock, driver
}

func play(t *testing.T, m *Mock, text string) {
	t.Helper()
	script, err := ParseScript([]byte(text))
	must(t, err)
	must(t, m.Play(script))
}

func TestASession(t *testing.T) {
	_, driver := machine(t, time.Minute)
	session, err := driver.Open()
	must(t, err)
	if session.Number != 1 || session.Version != "550.54.15" || session.CUDA != "12.4" || len(session.Devices) != 8 || session.Unknown != nil {
		t.Errorf("session %+v", session)
	}
	id := session.Devices[7].Identity()
	if diff := cmp.Diff(agent.Identity{
		Index: 7, Minor: 7, UUID: id.UUID, Model: "NVIDIA H100 80GB HBM3", Architecture: "Hopper", MemoryMiB: 81920, PCIBusID: "0000:df:00.0",
	}, id); diff != "" {
		t.Error(diff)
	}
	again, err := driver.Open()
	must(t, err)
	if again.Number != 1 || again.Devices[7] != session.Devices[7] {
		t.Error("the second look begins another session")
	}
}

func TestADriverThatHangsIsLeftAloneAndFoundAgain(t *testing.T) {
	mock, driver := machine(t, time.Second)
	session, err := driver.Open()
	must(t, err)
	before := runtime.NumGoroutine()
	play(t, mock, "faults: [{fault: hang}]")
	for range 20 {
		if _, err := driver.Open(); !errors.Is(err, agent.ErrHung) {
			t.Fatalf("error %v", err)
		}
		if _, err := session.Devices[0].Wear(); !errors.Is(err, agent.ErrHung) {
			t.Fatalf("error %v", err)
		}
	}
	if grown := runtime.NumGoroutine() - before; grown > 1 {
		t.Errorf("%d goroutines hang", grown)
	}
	play(t, mock, "{}")
	until(t, func() bool { _, err = driver.Open(); return err == nil })
	again, err := driver.Open()
	must(t, err)
	if again.Number != session.Number {
		t.Error("a driver that goes on counts as a new one")
	}
}

func TestACallThatHangsForOneGPU(t *testing.T) {
	mock, driver := machine(t, time.Second)
	session, err := driver.Open()
	must(t, err)
	play(t, mock, "faults: [{fault: hang, gpu: 3}]")
	if _, err := session.Devices[2].Wear(); err != nil {
		t.Errorf("GPU 2: %v", err)
	}
	if _, err := session.Devices[3].Wear(); !errors.Is(err, agent.ErrHung) {
		t.Errorf("GPU 3: %v", err)
	}
	play(t, mock, "{}")
	until(t, func() bool { _, err = session.Devices[3].Wear(); return err == nil })
}

func TestADriverThatIsReloadedBeginsANewSession(t *testing.T) {
	mock, driver := machine(t, time.Minute)
	clock := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	driver.now = func() time.Time { return clock }
	_, err := driver.Open()
	must(t, err)
	play(t, mock, "faults: [{fault: no-driver}]")
	if _, err := driver.Open(); !errors.Is(err, agent.ErrReloaded) {
		t.Errorf("when it goes: %v", err)
	}
	for range 5 {
		if _, err := driver.Open(); !errors.Is(err, agent.ErrNoDriver) {
			t.Errorf("while it is away: %v", err)
		}
	}
	play(t, mock, "{}")
	if _, err := driver.Open(); !errors.Is(err, agent.ErrNoDriver) {
		t.Errorf("before the pause is over: %v", err)
	}
	clock = clock.Add(lastRetry)
	session, err := driver.Open()
	must(t, err)
	if session.Number != 2 || len(session.Devices) != 8 {
		t.Errorf("session %d with %d GPUs", session.Number, len(session.Devices))
	}
	play(t, mock, "faults: [{fault: xid, gpu: 1, value: 79}]")
	until(t, func() bool { return len(driver.events.peek()) == 1 })
}

// peek returns how many events wait.
func (l *listener) peek() []agent.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}

func TestADriverOfAnotherRelease(t *testing.T) {
	mock, driver := machine(t, time.Minute)
	_, err := driver.Open()
	must(t, err)
	play(t, mock, "faults: [{fault: mismatch}]")
	for range 3 {
		if _, err := driver.Open(); !errors.Is(err, agent.ErrMismatch) {
			t.Errorf("error %v", err)
		}
	}
}

func TestTheRealLibraryIsLookedForOnThisMachine(t *testing.T) {
	driver := New(time.Minute)
	t.Cleanup(driver.Close)
	session, err := driver.Open()
	switch {
	case errors.Is(err, agent.ErrNoLibrary), errors.Is(err, agent.ErrNoDriver):
		t.Skipf("this machine has no NVIDIA driver: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	for _, device := range session.Devices {
		if _, err := device.Wear(); err != nil {
			t.Errorf("GPU %d: %v", device.Identity().Index, err)
		}
		if _, err := device.NVLinks(); err != nil {
			t.Errorf("GPU %d: %v", device.Identity().Index, err)
		}
	}
}

func TestXIDsAreToldOfTheirGPUAndWakeTheAgent(t *testing.T) {
	mock, driver := machine(t, time.Minute)
	if events := driver.Events(); events != nil {
		t.Errorf("before a session: %v", events)
	}
	session, err := driver.Open()
	must(t, err)
	play(t, mock, "faults: [{fault: xid, gpu: 3, value: 79}, {fault: xid, gpu: 5, value: 31, after: 100ms}, {fault: xid, gpu: 0, value: 48, after: 1h}]")
	select {
	case <-driver.Changed():
	case <-time.After(time.Minute):
		t.Fatal("nobody is woken")
	}
	until(t, func() bool { return len(driver.events.peek()) == 2 })
	want := []agent.Event{{UUID: session.Devices[3].Identity().UUID, XID: 79}, {UUID: session.Devices[5].Identity().UUID, XID: 31}}
	if diff := cmp.Diff(want, driver.Events()); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
	if events := driver.Events(); events != nil {
		t.Errorf("told twice: %v", events)
	}
}

func TestAGPUThatIsLostFromTheStartIsAskedAgain(t *testing.T) {
	mock, driver := machine(t, time.Minute)
	play(t, mock, "faults: [{fault: lost, gpu: 3}]")
	session, err := driver.Open()
	must(t, err)
	if len(session.Devices) != 7 || len(session.Unknown) != 1 || !errors.Is(session.Unknown[3], agent.ErrLost) {
		t.Errorf("%d GPUs, unknown %v", len(session.Devices), session.Unknown)
	}
	play(t, mock, "{}")
	session, err = driver.Open()
	must(t, err)
	if len(session.Devices) != 8 || session.Unknown != nil || session.Devices[3].Identity().Index != 3 {
		t.Errorf("%d GPUs, unknown %v", len(session.Devices), session.Unknown)
	}
}

func TestAGPUThatIsLostTakesNoOtherWithIt(t *testing.T) {
	mock, driver := machine(t, time.Minute)
	session, err := driver.Open()
	must(t, err)
	play(t, mock, "faults: [{fault: lost, gpu: 3}]")
	for _, want := range []v1alpha1.PCIePath{"", "NODE"} {
		got, err := session.Devices[2].CommonAncestor(session.Devices[3])
		if got != want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		play(t, mock, "{}")
	}
	if _, err := session.Devices[2].CommonAncestor(nil); err == nil {
		t.Error("nothing is wrong with a GPU that is none")
	}
}

func TestWhatAGPUTellsOfItself(t *testing.T) {
	mock, driver := machine(t, time.Minute)
	play(t, mock, `faults:
- {fault: ecc, gpu: 1, value: 3}
- {fault: rows-pending, gpu: 1}
- {fault: rows-failed, gpu: 1}
- {fault: pages-pending, gpu: 1}
- {fault: recovery, gpu: 1, value: 4}
- {fault: links-down, gpu: 1, value: 2}
- {fault: link-errors, gpu: 1, value: 9}
- {fault: load, gpu: 1, value: 80}
- {fault: memory, gpu: 1, value: 31}
- {fault: fabric-degraded, gpu: 1}
- {fault: fabric-failed, gpu: 2}
- {fault: fabric-pending, gpu: 3}
- {fault: reset-required, gpu: 4}
mig: [{gpu: 5, profiles: [3g.40gb, 1g.10gb+me]}]
`)
	session, err := driver.Open()
	must(t, err)
	wear, err := session.Devices[1].Wear()
	must(t, err)
	if diff := cmp.Diff(agent.Wear{Uncorrected: 3, RowsPending: true, RowsFailed: true, PagesPending: true, RecoveryKnown: true, Recovery: 4}, wear); diff != "" {
		t.Error(diff)
	}
	load, err := session.Devices[1].Load()
	must(t, err)
	if load.Percent != 80 || load.MemoryUsedPercent < 30 || load.MemoryUsedPercent > 31 {
		t.Errorf("load %+v", load)
	}
	links, err := session.Devices[1].NVLinks()
	must(t, err)
	if len(links) != 18 || links[0] != (agent.NVLink{Errors: 9}) || links[1].Active || links[2] != (agent.NVLink{Active: true, Switch: true, Peer: "0000:09:00.0"}) {
		t.Errorf("links %+v", links)
	}
	var fabrics []agent.FabricState
	for _, device := range session.Devices[:3] {
		fabric, err := device.Fabric()
		must(t, err)
		fabrics = append(fabrics, fabric)
	}
	if diff := cmp.Diff([]agent.FabricState{
		{Supported: true, Completed: true},
		{Supported: true, Completed: true, Degraded: true},
		{Supported: true, Completed: true, Failure: "ERROR_UNKNOWN"},
	}, fabrics); diff != "" {
		t.Error(diff)
	}
	if fabric, err := session.Devices[3].Fabric(); err != nil || fabric.Completed {
		t.Errorf("fabric %+v, %v", fabric, err)
	}
	if session.Unknown[4] == nil || !errors.Is(session.Unknown[4], agent.ErrResetRequired) {
		t.Errorf("GPU 4: %v", session.Unknown[4])
	}
	partitioned := session.Devices[4]
	mig, err := partitioned.MIG()
	must(t, err)
	var profiles []string
	for _, instance := range mig.Instances {
		profiles = append(profiles, instance.Profile)
	}
	if !mig.Enabled || strings.Join(profiles, " ") != "3g.40gb 1g.10gb+me" {
		t.Errorf("MIG %+v", mig)
	}
	if load, err := partitioned.Load(); err != nil || load.Percent != 0 {
		t.Errorf("load of a partitioned GPU %+v, %v", load, err)
	}
}

func TestFabricInWordsOfNVML(t *testing.T) {
	cluster := [16]uint8{0x9c, 0x6f, 0x5a, 0xf3, 0x53, 0xbf, 0x49, 0xb5, 0xa4, 0x36, 0xb6, 0x67, 0x66, 0xc4, 0x13, 0xc3}
	completed := uint8(nvml.GPU_FABRIC_STATE_COMPLETED)
	for _, tt := range []struct {
		name string
		got  agent.FabricState
		want agent.FabricState
	}{
		{"a board without", fabricState(nvml.GPU_FABRIC_STATE_NOT_SUPPORTED, 0, cluster, 0, 0), agent.FabricState{}},
		{"on its way", fabricState(nvml.GPU_FABRIC_STATE_NOT_STARTED, 0, cluster, 0, 0), agent.FabricState{Supported: true}},
		{"a domain of many nodes", fabricState(completed, 0, cluster, 0, 0), agent.FabricState{Supported: true, Completed: true, ClusterUUID: "9c6f5af3-53bf-49b5-a436-b66766c413c3"}},
		{"a healthy one", fabricState(completed, 0, cluster, 0b10101010, 1), agent.FabricState{Supported: true, Completed: true, ClusterUUID: "9c6f5af3-53bf-49b5-a436-b66766c413c3"}},
		{"less bandwidth", fabricState(completed, 0, [16]uint8{}, 0b01, 0), agent.FabricState{Supported: true, Completed: true, Degraded: true}},
		{"routes are recovered", fabricState(completed, 0, [16]uint8{}, 0b0110, 0), agent.FabricState{Supported: true, Completed: true, Degraded: true}},
		{"routes are unhealthy", fabricState(completed, 0, [16]uint8{}, 0b011010, 0), agent.FabricState{Supported: true, Completed: true, Unhealthy: true}},
		{"unhealthy on the whole", fabricState(completed, 0, [16]uint8{}, 0, 2), agent.FabricState{Supported: true, Completed: true, Unhealthy: true}},
		{"limited on the whole", fabricState(completed, 0, [16]uint8{}, 0, 3), agent.FabricState{Supported: true, Completed: true, Degraded: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPCIAddressesAreWrittenAsSysfsDoes(t *testing.T) {
	for written, want := range map[string]string{"00000000:0F:00.0": "0000:0f:00.0", "00010000:E1:1F.7": "10000:e1:1f.7", "": "", "nonsense": ""} {
		var info nvml.PciInfo
		for i, c := range []byte(written) {
			info.BusId[i] = int8(c)
		}
		if got := busID(info); got != want {
			t.Errorf("%q: %q, want %q", written, got, want)
		}
	}
}
