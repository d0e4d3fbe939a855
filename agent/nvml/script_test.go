package nvml

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestScriptsThatAreWrongSayWhere(t *testing.T) {
	mock, err := NewMock("dgxa100", "gpu-1")
	must(t, err)
	for _, tt := range []struct{ name, text, want string }{
		{"no YAML", "{", "error converting YAML"},
		{"an unknown field", "fault: []", `unknown field "fault"`},
		{"an unknown fault", "faults: [{fault: fire, gpu: 1}]", `faults[0].fault: there is no "fire"; there is ecc, fabric-degraded`},
		{"no GPU", "faults: [{fault: lost}]", `faults[0].gpu: "lost" needs a GPU`},
		{"a GPU too many", "faults: [{fault: mismatch, gpu: 1}]", `faults[0].gpu: "mismatch" takes no GPU`},
		{"no value", "faults: [{fault: xid, gpu: 1}]", `faults[0].value: "xid" needs a value`},
		{"a value too many", "faults: [{fault: hang, value: 1}]", `faults[0].value: "hang" takes no value`},
		{"over before it begins", "faults: [{fault: hang, after: 2s, until: 1s}]", "faults[0].until: it must be later than after"},
		{"everything at once", "faults: [{fault: lost}, {fault: xid}]", "faults[1].value"},
		{"a GPU that is not there", "faults: [{fault: lost, gpu: 8}]", "faults[0].gpu: there is no GPU 8"},
		{"MIG on a GPU that is not there", "mig: [{gpu: -1, profiles: [1g.5gb]}]", "mig[0].gpu: there is no GPU -1"},
		{"no profiles", "mig: [{gpu: 1}]", "mig[0]: GPU 1 needs one list of profiles"},
		{"two lists", "mig: [{gpu: 1, profiles: [1g.5gb]}, {gpu: 1, profiles: [1g.5gb]}]", "mig[1]: GPU 1 needs one list of profiles"},
		{"another GPU's profile", "mig: [{gpu: 1, profiles: [1g.10gb+me]}]", `mig[0].profiles[0]: Mock NVIDIA A100-SXM4-40GB has no profile "1g.10gb+me"; it has 1g.10gb, 1g.5gb, 1g.5gb+me, 2g.10gb, 3g.20gb, 4g.20gb, 7g.40gb`},
		{"more than fits", "mig: [{gpu: 1, profiles: [4g.20gb, 3g.20gb, 1g.5gb]}]", `mig[0].profiles[2]: no slices of GPU 1 are left for "1g.5gb"`},
		{"more of one than there may be", "mig: [{gpu: 1, profiles: [1g.5gb+me, 1g.5gb+me]}]", `mig[0].profiles[1]: no slices of GPU 1 are left for "1g.5gb+me"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			script, err := ParseScript([]byte(tt.text))
			if err == nil {
				err = mock.Play(script)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestFaultsHoldFromAfterToUntil(t *testing.T) {
	mock, err := NewMock("dgxa100", "gpu-1")
	must(t, err)
	clock := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	mock.now = func() time.Time { return clock }
	play(t, mock, "faults: [{fault: lost, gpu: 1, after: 10s, until: 20s}, {fault: lost, gpu: 1, after: 30s}]")
	for _, want := range []bool{false, true, false, true, true} {
		if _, got := mock.fault("lost", 1); got != want {
			t.Errorf("after %s: %t", clock.Sub(mock.start), got)
		}
		if _, got := mock.fault("lost", 0); got {
			t.Errorf("after %s: GPU 0 is lost too", clock.Sub(mock.start))
		}
		clock = clock.Add(10 * time.Second)
	}
}

func TestAScriptsFileIsPlayedAgainWhenItChanges(t *testing.T) {
	mock, err := NewMock("dgxa100", "gpu-1")
	must(t, err)
	clock := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	mock.now = func() time.Time { return clock }
	file := filepath.Join(t.TempDir(), "script.yaml")
	write := func(text string) {
		t.Helper()
		must(t, os.WriteFile(file, []byte(text), 0o600))
		clock = clock.Add(time.Minute)
		must(t, os.Chtimes(file, clock, clock))
	}
	var unread []string
	follow := func() error { return mock.Follow(file, func(err error) { unread = append(unread, err.Error()) }) }
	if err := follow(); err == nil || !strings.Contains(err.Error(), "read script: ") {
		t.Errorf("no file: %v", err)
	}
	write("faults: [{fault: lost, gpu: 1}]")
	must(t, follow())
	lost := func() bool {
		mock.refresh()
		_, active := mock.fault("lost", 1)
		return active
	}
	if !lost() {
		t.Error("the script is not played")
	}
	write("faults: [")
	if !lost() || len(unread) != 1 || !strings.Contains(unread[0], "read script "+file) {
		t.Errorf("a broken script: %v", unread)
	}
	write("{}")
	if lost() || len(unread) != 1 {
		t.Errorf("the fault is not taken back: %v", unread)
	}
}

func FuzzScript(f *testing.F) {
	f.Add([]byte("faults: [{fault: xid, gpu: 3, value: 79, after: 10s, until: 1m}]\nmig: [{gpu: 0, profiles: [3g.20gb]}]"))
	f.Add([]byte("{"))
	mock, err := NewMock("dgxa100", "gpu-1")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		script, err := ParseScript(data)
		if err != nil {
			return
		}
		if mock.Play(script) != nil {
			return
		}
		for i := range script.Faults {
			fault := &script.Faults[i]
			if fault.active(fault.After.Duration-1) || !fault.active(fault.After.Duration) {
				t.Errorf("%+v does not begin when it should", fault)
			}
		}
	})
}
