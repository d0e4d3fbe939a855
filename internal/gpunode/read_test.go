package gpunode

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
)

const samples = "../../testdata/gpunodes"

// sample reads one of the sample GPUNodes.
func sample(t testing.TB, name string) *v1alpha1.GPUNode {
	t.Helper()
	nodes, err := Read([]string{filepath.Join(samples, name+".yaml")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &nodes[0]
}

func allSamples(t testing.TB) []v1alpha1.GPUNode {
	t.Helper()
	nodes, err := Read([]string{samples}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

func TestSamplesAreWhatAnAPIServerTakes(t *testing.T) {
	definition := newCRD(t)
	nodes := allSamples(t)
	files, _ := filepath.Glob(samples + "/*.yaml")
	if len(nodes) != len(files) || len(nodes) < 6 {
		t.Fatalf("%d GPUNodes in %d files", len(nodes), len(files))
	}
	for i, n := range nodes {
		if want := filepath.Base(files[i]); n.Name+".yaml" != want {
			t.Errorf("%s is in %s", n.Name, want)
		}
		for _, err := range definition.refuses(t, &n) {
			t.Errorf("%s: %v", n.Name, err)
		}
	}
}

func TestReportsOfTheAgentAreWhatAnAPIServerTakes(t *testing.T) {
	definition := newCRD(t)
	files, _ := filepath.Glob("../../agent/testdata/*.yaml")
	if len(files) < 6 {
		t.Fatalf("%d reports", len(files))
	}
	for _, file := range files {
		nodes, err := Read([]string{file}, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, err := range definition.refuses(t, &nodes[0]) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestSummariesOfSamplesAreTrue(t *testing.T) {
	for _, n := range allSamples(t) {
		want := v1alpha1.GPUNodeSummary{
			GPUs: int32(len(n.Status.GPUs)),
			Free: int32(Free(&n, ResourceGPU).Len()),
			// The name of the most links is written by hand.
			Links: n.Status.Summary.Links,
		}
		for _, gpu := range n.Status.GPUs {
			if gpu.Health != v1alpha1.Unhealthy {
				want.Healthy++
			}
		}
		if diff := cmp.Diff(want, *n.Status.Summary); diff != "" {
			t.Errorf("%s (-want +got)\n%s", n.Name, diff)
		}
	}
}

// head begins a GPUNode.
const head = "apiVersion: usher.dev/v1alpha1\nkind: GPUNode\nmetadata: {name: a}\nstatus:\n"

// twoGPUs are two lines of status.
const twoGPUs = "  gpus:\n  - {index: 0, uuid: GPU-0, health: Healthy}\n  - {index: 1, uuid: GPU-1, health: Healthy}\n"

func TestReadErrors(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", []string{"read GPUNodes: there is none in -"}},
		{"another kind alone", "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n", []string{"read GPUNodes: there is none in -"}},
		{"broken YAML", "a: [", []string{"<stdin>:1:1: broken YAML: did not find expected node content"}},
		{"no object", "- a\n", []string{"<stdin>:1:1: not a Kubernetes object but a list; an object has apiVersion, kind and metadata"}},
		{"an unknown field", head + "  gpu: []\n", []string{`<stdin>:5:3: unknown field "status.gpu"`}},
		{"a wrong type", head + "  sequence: one\n", []string{"<stdin>:5:3: sequence must be a whole number, not a string"}},
		{"no name", "apiVersion: usher.dev/v1alpha1\nkind: GPUNode\n", []string{"<stdin>:1:1: metadata.name: a GPUNode has the name of its node"}},
		{"a name twice", head + twoGPUs + "---\n" + head, []string{"<stdin>:11:12: GPUNode a is defined twice, first in <stdin>:3"}},
		{"all faults of the GPUs", head + "  gpus:\n  - {index: 16, uuid: GPU-0, health: Fine}\n  - {index: 1, uuid: GPU-0, health: Healthy}\n  - {index: 2, uuid: '', health: Healthy}\n", []string{
			`<stdin>:6:6: status.gpus[0].index: 16 is not within 0 and 15`,
			`<stdin>:6:30: status.gpus[0].health: "Fine" is no health; Healthy, Degraded and Unhealthy are`,
			`<stdin>:7:16: status.gpus[1].uuid: another GPU is GPU-0 too`,
			`<stdin>:8:16: status.gpus[2].uuid: a GPU has a UUID`,
		}},
		{"faults of MIG instances", head + "  gpus:\n  - index: 0\n    uuid: GPU-0\n    health: Healthy\n    mig: {enabled: true, instances: [{uuid: MIG-0, profile: 1g.5gb, start: 16, size: 0}]}\n", []string{
			"<stdin>:9:69: status.gpus[0].mig.instances[0].start: 16 is not within 0 and 15",
			"<stdin>:9:80: status.gpus[0].mig.instances[0].size: 0 is not within 1 and 16",
		}},
		{"faults of links", head + twoGPUs + "  links:\n  - {a: 1, b: 0}\n  - {a: 0, b: 2}\n  - {a: 0, b: 1, path: NV1}\n  - {a: 0, b: 1, nvlinkLanes: 73}\n", []string{
			"<stdin>:9:5: status.links[0]: GPUs 1 and 0: the first GPU of a link has the lower index",
			"<stdin>:10:12: status.links[1].b: GPU 2 is not reported; 2 GPUs are",
			`<stdin>:11:18: status.links[2].path: "NV1" is no PCIe path; the paths are SYS, NODE, PHB, PXB, PIX and PSB`,
			"<stdin>:12:5: status.links[3]: GPUs 0 and 1 have a link already",
			"<stdin>:12:18: status.links[3].nvlinkLanes: 73 is not within 0 and 72",
		}},
		{"faults of NICs", head + twoGPUs + "  nics:\n  - {name: '', gpuPaths: [SYS]}\n  - {name: b, gpuPaths: [SYS, X], nicPaths: [SYS, PIX]}\n", []string{
			"<stdin>:9:6: status.nics[0].name: a NIC has a name",
			"<stdin>:9:16: status.nics[0].gpuPaths: 1 paths to 2 GPUs",
			"<stdin>:10:35: status.nics[1].nicPaths: 2 paths to the 1 NICs before this one",
			`<stdin>:10:31: status.nics[1].gpuPaths[1]: "X" is no PCIe path; the paths are SYS, NODE, PHB, PXB, PIX and PSB`,
		}},
		{"a resource without replicas", head + "  resources:\n  - {name: nvidia.com/gpu, devices: [], replicas: 0}\n", []string{"<stdin>:6:41: status.resources[0].replicas: 0 is not within 1 and 1024"}},
		{"more GPUs than there can be", head + "  gpus: [" + strings.Repeat("{index: 0, uuid: a, health: Healthy},", 17) + "]\n", []string{"<stdin>:5:3: status.gpus: 17 GPUs are too many: at most 16"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nodes, err := Read([]string{"-"}, strings.NewReader(tt.text))
			if err == nil || nodes != nil {
				t.Fatalf("no error, and %d GPUNodes", len(nodes))
			}
			if diff := cmp.Diff(tt.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestReadPassesOverOtherKinds(t *testing.T) {
	list := "apiVersion: v1\nkind: List\nitems:\n" +
		"- {apiVersion: v1, kind: Node, metadata: {name: a}}\n" +
		"- {apiVersion: usher.dev/v1alpha1, kind: GPUNode, metadata: {name: b}}\n" +
		"- {apiVersion: usher.dev/v1alpha1, kind: GPUNode, metadata: {name: a}}\n"
	nodes, err := Read([]string{"-"}, strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	if diff := cmp.Diff([]string{"b", "a"}, names); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestTheAPIServerRefusesWhatReadRefuses holds the checks against the CRD.
func TestTheAPIServerRefusesWhatReadRefuses(t *testing.T) {
	definition := newCRD(t)
	for name, spoil := range map[string]func(*v1alpha1.GPUNodeStatus){
		"an index beyond the last":      func(s *v1alpha1.GPUNodeStatus) { s.GPUs[0].Index = 16 },
		"no UUID":                       func(s *v1alpha1.GPUNodeStatus) { s.GPUs[0].UUID = "" },
		"a UUID twice":                  func(s *v1alpha1.GPUNodeStatus) { s.GPUs[0].UUID = s.GPUs[1].UUID },
		"no health":                     func(s *v1alpha1.GPUNodeStatus) { s.GPUs[0].Health = "" },
		"too many GPUs":                 func(s *v1alpha1.GPUNodeStatus) { s.GPUs = make([]v1alpha1.GPU, 17) },
		"a MIG instance without a size": func(s *v1alpha1.GPUNodeStatus) { s.GPUs[2].MIG.Instances[0].Size = 0 },
		"a MIG instance too far":        func(s *v1alpha1.GPUNodeStatus) { s.GPUs[2].MIG.Instances[0].Start = 16 },
		"a link the wrong way":          func(s *v1alpha1.GPUNodeStatus) { s.Links[0].A, s.Links[0].B = 1, 0 },
		"a link to nowhere":             func(s *v1alpha1.GPUNodeStatus) { s.Links[0].B = 9 },
		"a path that is none":           func(s *v1alpha1.GPUNodeStatus) { s.Links[0].Path = "NV1" },
		"fewer lanes than none":         func(s *v1alpha1.GPUNodeStatus) { s.Links[0].NVLinkLanes = -1 },
		"a NIC without a name":          func(s *v1alpha1.GPUNodeStatus) { s.NICs[0].Name = "" },
		"paths to too few GPUs":         func(s *v1alpha1.GPUNodeStatus) { s.NICs[0].GPUPaths = s.NICs[0].GPUPaths[1:] },
		"a path of a NIC that is none":  func(s *v1alpha1.GPUNodeStatus) { s.NICs[1].NICPaths[0] = "" },
		"no replicas":                   func(s *v1alpha1.GPUNodeStatus) { s.Resources[0].Replicas = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			n := sample(t, "a100-mixed-mig")
			if err := check(n); err != nil {
				t.Fatal(err)
			}
			spoil(&n.Status)
			if check(n) == nil {
				t.Error("Read takes it")
			}
			if definition.refuses(t, n) == nil {
				t.Error("the API server takes it")
			}
			if d, err := Describe(n); err == nil {
				t.Errorf("it is described as %v", d)
			}
		})
	}
}

// FuzzRead asks of any text that what is read of it can be described and printed.
// Its seeds are short, since each find is cut down before the search goes on.
func FuzzRead(f *testing.F) {
	f.Add(head + twoGPUs + "  links:\n  - {a: 0, b: 1, path: PIX, nvlinkLanes: 4}\n")
	f.Add(head + twoGPUs + "  nics:\n  - {name: a, gpuPaths: [PIX, SYS]}\n  - {name: b, nicPaths: [NODE]}\n")
	f.Add(head + twoGPUs + "  resources:\n  - {name: nvidia.com/gpu, replicas: 1, devices: [GPU-0, GPU-1]}\n  allocations:\n  - {device: GPU-0, namespace: n, pod: p, container: c}\n")
	f.Add(head + "  gpus:\n  - {index: 0, uuid: g, health: Degraded, healthReasons: [{code: Lost}], mig: {enabled: true, instances: [{uuid: m, profile: 1g.5gb, start: 6, size: 1}]}}\n")
	f.Add(`{"apiVersion":"usher.dev/v1alpha1","kind":"GPUNode","metadata":{"name":"a"},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		nodes, err := Read([]string{"-"}, strings.NewReader(text))
		if (err == nil) == (nodes == nil) {
			t.Fatalf("%d GPUNodes and %v", len(nodes), err)
		}
		for _, n := range nodes {
			d, err := Describe(&n)
			if err != nil {
				t.Fatalf("%s is read and cannot be described: %v", n.Name, err)
			}
			var b strings.Builder
			if err := d.WriteText(&b, true); err != nil || b.Len() == 0 {
				t.Fatalf("%s is read and cannot be printed: %v", n.Name, err)
			}
		}
	})
}
