package gpunode

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/golden"
	"usher.dev/usher/topology"
)

func TestMatrices(t *testing.T) {
	for _, n := range allSamples(t) {
		t.Run(n.Name, func(t *testing.T) {
			var b strings.Builder
			if err := Matrix(&b, &n, false); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("matrix", n.Name), b.String())
		})
	}
}

func TestDescriptions(t *testing.T) {
	notReady := sample(t, "gb200-tray")
	notReady.Name = "not-ready"
	notReady.Status.Conditions[2] = metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: "NVMLHangs", Message: "NVML has not answered for 30s",
	}
	shared := sample(t, "gb200-tray")
	shared.Name = "shared"
	shared.Status.Resources[0].Replicas = 4
	shared.Status.Resources[0].Name = "nvidia.com/gpu.shared"
	for _, replica := range []string{"0", "3"} {
		shared.Status.Allocations = append(shared.Status.Allocations, v1alpha1.Allocation{
			Device: shared.Status.GPUs[1].UUID, Replica: replica, Resource: "nvidia.com/gpu.shared",
			Namespace: "team-a", Pod: "notebook-" + replica, Container: "jupyter",
		})
	}
	bare := &v1alpha1.GPUNode{}
	bare.Name = "bare"
	for _, tt := range []struct {
		node    *v1alpha1.GPUNode
		colored bool
		well    bool
	}{
		{sample(t, "a100-mixed-mig"), false, true},
		{sample(t, "pcie-only"), false, true},
		{sample(t, "dgx-a100"), true, false},
		{notReady, false, false},
		{shared, false, true},
		{bare, false, false},
	} {
		t.Run(tt.node.Name, func(t *testing.T) {
			d, err := Describe(tt.node)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			if err := d.WriteText(&b, tt.colored); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("text", tt.node.Name), b.String())
			if d.Well() != tt.well {
				t.Errorf("well: %v", d.Well())
			}
		})
	}
}

func TestGraph(t *testing.T) {
	g, err := Graph(sample(t, "half-nvlinked"))
	if err != nil {
		t.Fatal(err)
	}
	got := []topology.Link{g.Link(0, 1), g.Link(1, 2), g.Link(7, 6), g.Link(0, 4)}
	want := []topology.Link{
		{Path: topology.PIX, Lanes: 12}, {Path: topology.NODE}, {Path: topology.PIX}, {Path: topology.SYS},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("links (-want +got)\n%s", diff)
	}
	if g, err = Graph(sample(t, "gb200-tray")); err != nil || !g.Link(0, 3).Switch || g.GPU(3).NUMA != 1 {
		t.Errorf("%v, %v", g, err)
	}
}

func TestGraphErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*v1alpha1.GPUNodeStatus)
		want  string
	}{
		{"a path that is none", func(s *v1alpha1.GPUNodeStatus) { s.Links[1].Path = "NV1" }, `GPUNode gb200-tray: status.links[1].path: "NV1" is no PCIe path; the paths are SYS, NODE, PHB, PXB, PIX and PSB`},
		{"a GPU that is not there", func(s *v1alpha1.GPUNodeStatus) { s.GPUs = s.GPUs[:3] }, "GPUNode gb200-tray: pair 0-3: there are GPUs 0 to 2\npair 1-3: there are GPUs 0 to 2\npair 2-3: there are GPUs 0 to 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := sample(t, "gb200-tray")
			tt.spoil(&n.Status)
			if _, err := Graph(n); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestAGPUWithoutANUMANode(t *testing.T) {
	n := sample(t, "gb200-tray")
	n.Status.GPUs[0].NUMANode = nil
	if g, err := Graph(n); err != nil || g.GPU(0).NUMA != -1 || g.Meets(topology.Of(0, 1), topology.NUMA) {
		t.Errorf("%v, %v", g, err)
	}
}

func TestFree(t *testing.T) {
	for _, tt := range []struct {
		name, sample, resource string
		change                 func(*v1alpha1.GPUNodeStatus)
		want                   topology.Set
	}{
		{"what is healthy and not held", "dgx-a100", ResourceGPU, nil, topology.Of(2, 3, 4, 6, 7)},
		{"a degraded GPU too", "pcie-only", ResourceGPU, nil, topology.Of(0, 1, 3, 4, 5, 6, 7)},
		{"no partitioned GPU", "a100-mixed-mig", ResourceGPU, nil, topology.Of(1)},
		{"not even where the resource lists it", "a100-mixed-mig", ResourceGPU, func(s *v1alpha1.GPUNodeStatus) {
			s.Resources[0].Devices = append(s.Resources[0].Devices, s.GPUs[2].UUID)
		}, topology.Of(1)},
		{"no GPU that the resource does not list", "gb200-tray", ResourceGPU, func(s *v1alpha1.GPUNodeStatus) {
			s.Resources[0].Devices = []string{s.GPUs[3].UUID}
		}, topology.Of(3)},
		{"no shared GPU", "gb200-tray", ResourceGPU, func(s *v1alpha1.GPUNodeStatus) { s.Resources[0].Replicas = 2 }, 0},
		{"no GPU of which somebody holds a share", "gb200-tray", ResourceGPU, func(s *v1alpha1.GPUNodeStatus) {
			s.Allocations = []v1alpha1.Allocation{{Device: s.GPUs[0].UUID, Replica: "1", Resource: "nvidia.com/gpu.shared"}}
		}, topology.Of(1, 2, 3)},
		{"nothing of another resource", "gb200-tray", "nvidia.com/gpu.shared", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := sample(t, tt.sample)
			if tt.change != nil {
				tt.change(&n.Status)
			}
			if got := Free(n, tt.resource); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReportsDoNotActOnTheTerminal(t *testing.T) {
	n := sample(t, "a100-mixed-mig")
	evil := "\x1b[2J\u202e\n"
	n.Name, n.Status.Driver, n.Status.CUDA = evil, evil, evil
	n.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: evil, Message: evil}}
	gpu := &n.Status.GPUs[0]
	gpu.Model, gpu.PCIBusID, gpu.CPUAffinity, gpu.UUID = evil, evil, evil, evil
	gpu.HealthReasons = []v1alpha1.HealthReason{{Code: evil, Message: evil}}
	n.Status.GPUs[2].MIG.Instances[0].Profile = evil
	n.Status.NICs[0].Name = evil
	n.Status.Allocations = []v1alpha1.Allocation{{Device: evil, Replica: evil, Namespace: evil, Pod: evil, Container: evil}}
	d, err := Describe(n)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := d.WriteText(&b, false); err != nil || strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("%v\n%q", err, b.String())
	}
}

// full is a disk that takes nothing more.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWhatCannotBeWritten(t *testing.T) {
	n := sample(t, "gb200-tray")
	if err := Matrix(full{}, n, false); !errors.Is(err, errFull) {
		t.Errorf("matrix: %v", err)
	}
	d, err := Describe(n)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.WriteText(full{}, false); !errors.Is(err, errFull) {
		t.Errorf("text: %v", err)
	}
	n.Status.Links[0].B = 9
	if err := Matrix(&strings.Builder{}, n, false); err == nil || err.Error() != "GPUNode gb200-tray: status.links[0].b: GPU 9 is not reported; 4 GPUs are" {
		t.Errorf("a broken report: %v", err)
	}
}
