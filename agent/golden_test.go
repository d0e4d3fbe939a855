package agent_test

import (
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/agent"
	"usher.dev/usher/agent/nvml"
	"usher.dev/usher/internal/golden"
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
