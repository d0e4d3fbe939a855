package agent_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/agent"
	"usher.dev/usher/agent/nvml"
	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/golden"
	"usher.dev/usher/internal/gpunode"
)

// mocked returns an agent of a mocked machine.
func mocked(t testing.TB, board string, script nvml.Script) *agent.Agent {
	t.Helper()
	mock, err := nvml.NewMock(board, "gpu-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := mock.Play(script); err != nil {
		t.Fatal(err)
	}
	machine := &agent.Machine{Driver: mock.Driver(time.Minute), Sysfs: mock.Sysfs()}
	t.Cleanup(machine.Driver.Close)
	return &agent.Agent{
		NodeName: "gpu-1", BootID: "6f1a4c52-0d5e-4f0b-9a4e-2b1f7f6a9c11", Machine: machine,
		Interval: 10 * time.Second, Heartbeat: time.Minute,
		Clock: clocktesting.NewFakeClock(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)),
		Log:   logr.Discard(), Metrics: agent.NewMetrics(prometheus.NewRegistry()),
	}
}

func TestReportsOfMockedMachines(t *testing.T) {
	scripts := map[string]string{
		"dgxa100-mig": "mig: [{gpu: 0, profiles: [3g.20gb, 2g.10gb, 1g.5gb]}, {gpu: 5, profiles: [7g.40gb]}]",
		"dgxh100-faults": `faults:
- {fault: recovery, gpu: 1, value: 1}
- {fault: ecc, gpu: 2, value: 3}
- {fault: rows-failed, gpu: 3}
- {fault: links-down, gpu: 4, value: 2}
- {fault: fabric-pending, gpu: 5}
- {fault: load, gpu: 6, value: 80}
- {fault: memory, gpu: 6, value: 30}
`,
	}
	for _, name := range nvml.Boards() {
		scripts[name] = ""
	}
	for name, text := range scripts {
		t.Run(name, func(t *testing.T) {
			script, err := nvml.ParseScript([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			a := mocked(t, name[:len("dgxa100")], script)
			got, err := yaml.Marshal(a.Node(a.Round(t.Context())))
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, name+".yaml", string(got))

			read, err := gpunode.Read([]string{"testdata/" + name + ".yaml"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var matrix strings.Builder
			if err := gpunode.Matrix(&matrix, &read[0], false); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, name+".topo", matrix.String())
		})
	}
}

// A round is what an agent at rest does every interval.
func BenchmarkRound(b *testing.B) {
	a := mocked(b, "dgxh100", nvml.Script{})
	b.ReportAllocs()
	for b.Loop() {
		a.Round(b.Context())
	}
}

func TestCapturedMachinesAreReportedAsTheyWere(t *testing.T) {
	const samples = "../testdata/gpunodes"
	files, err := filepath.Glob(samples + "/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files in %s: %v", len(files), samples, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			captured, err := gpunode.Read([]string{file}, nil)
			if err != nil {
				t.Fatal(err)
			}
			a := mocked(t, "dgxa100", nvml.Script{})
			a.Machine = &agent.Machine{Snapshot: file}
			got, want := a.Round(t.Context()), captured[0].Status
			if got.Conditions[0].Reason != "Complete" {
				t.Errorf("ready: %+v", got.Conditions[0])
			}
			for _, pair := range [][2]any{
				{want.GPUs, got.GPUs},
				{want.Links, got.Links},
				{want.NICs, got.NICs},
				{want.Resources, got.Resources},
				{want.Allocations, got.Allocations},
				{want.Summary, got.Summary},
			} {
				if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
					t.Errorf("(-captured +reported)\n%s", diff)
				}
			}
		})
	}
}

// The driver and sysfs are two sources of one truth, and mocks of two.
func TestDriverAndSysfsOfMockedMachinesAgreeOnPCIePaths(t *testing.T) {
	for _, name := range nvml.Boards() {
		a := mocked(t, name, nvml.Script{})
		told := a.Round(t.Context()).Links
		silent := mocked(t, name, nvml.Script{})
		silent.Machine.Driver = silentOnAncestors{silent.Machine.Driver}
		if diff := cmp.Diff(told, silent.Round(t.Context()).Links); diff != "" || len(told) != 28 {
			t.Errorf("%s: %d links (-driver +sysfs)\n%s", name, len(told), diff)
		}
	}
}

// silentOnAncestors is a driver that does not tell PCIe paths.
type silentOnAncestors struct{ agent.Driver }

func (d silentOnAncestors) Open() (*agent.Session, error) {
	session, err := d.Driver.Open()
	if err == nil {
		for i, device := range session.Devices {
			session.Devices[i] = silentDevice{device}
		}
	}
	return session, err
}

type silentDevice struct{ agent.Device }

func (silentDevice) CommonAncestor(agent.Device) (v1alpha1.PCIePath, error) { return "", nil }
