package policies_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/verdict"
)

// scheduledPod is one way to ask for GPUs and for links between them.
type scheduledPod struct {
	annotation, variable string
	gpus                 string
	scheduler, node      string
	path, operation      string
	before               string // the annotation of the old pod
}

// scheduledPods are all there are of each kind.
func scheduledPods() []scheduledPod {
	var all []scheduledPod
	for _, annotation := range []string{"", "nvlink", "numa", "best-effort", "nvlnk"} {
		for _, variable := range []string{"", "TREE", "NVLINK"} {
			for _, gpus := range []string{"none", "one", "two", "one twice", "one beside a sidecar", "one after two"} {
				for _, scheduler := range []string{"", "default-scheduler", "gpu-topology-scheduler", "volcano"} {
					for _, node := range []string{"", "n1"} {
						p := scheduledPod{annotation, variable, gpus, scheduler, node, "", "CREATE", ""}
						template, same, another := p, p, p
						template.path = "/spec/template"
						same.operation, same.before = "UPDATE", annotation
						another.operation, another.before = "UPDATE", "numa"
						all = append(all, p, template, same, another)
					}
				}
			}
		}
	}
	return all
}

func (p scheduledPod) input() verdict.Input {
	in := verdict.Input{
		Request: map[string]any{"operation": p.operation, "kind": map[string]any{"group": "", "kind": "Pod"}},
		Pod:     map[string]any{"path": p.path, "metadata": annotatedBy(p.annotation), "spec": p.spec()},
	}
	if p.operation == "UPDATE" {
		in.OldPod = map[string]any{"path": p.path, "metadata": annotatedBy(p.before), "spec": p.spec()}
	}
	return in
}

func annotatedBy(topology string) map[string]any {
	if topology == "" {
		return map[string]any{"name": "train"}
	}
	return map[string]any{"name": "train", "annotations": map[string]any{"usher.dev/gpu-topology": topology}}
}

func (p scheduledPod) spec() map[string]any {
	of := func(gpus string) map[string]any {
		return map[string]any{"resources": map[string]any{"limits": map[string]any{"nvidia.com/gpu": gpus}}}
	}
	sidecar := of("1")
	sidecar["restartPolicy"] = "Always"
	spec := map[string]any{"containers": []any{of("1")}}
	switch p.gpus {
	case "none":
		spec["containers"] = []any{map[string]any{}}
	case "two":
		spec["containers"] = []any{of("2")}
	case "one twice":
		spec["containers"] = []any{of("1"), map[string]any{}, of("1")}
	case "one beside a sidecar":
		spec["initContainers"] = []any{sidecar}
	case "one after two":
		spec["initContainers"] = []any{of("2"), of("1")}
	}
	if p.variable != "" {
		spec["containers"].([]any)[0].(map[string]any)["env"] = []any{map[string]any{"name": "NCCL_TOPOLOGY", "value": p.variable}}
	}
	for key, value := range map[string]string{"schedulerName": p.scheduler, "nodeName": p.node} {
		if value != "" {
			spec[key] = value
		}
	}
	return spec
}

// scheduled is what becomes of a pod.
type scheduled struct {
	Annotation, Scheduler string
	Checks                []string
}

func (p scheduledPod) want() scheduled {
	want := scheduled{p.annotation, p.scheduler, []string{}}
	updates := p.path == "" && p.operation == "UPDATE"
	several := p.gpus != "none" && p.gpus != "one"
	if !updates && p.node == "" {
		if p.annotation == "" && p.variable == "NVLINK" {
			want.Annotation = "nvlink"
		}
		ofNobody := p.scheduler == "" || p.scheduler == "default-scheduler"
		if ofNobody && (several || p.annotation != "" || p.variable != "") {
			want.Scheduler = "gpu-topology-scheduler"
		}
	}
	requires := p.annotation == "nvlink" || p.annotation == "numa" || p.annotation == "" && p.variable == "NVLINK"
	switch {
	case updates && p.annotation != p.before:
		want.Checks = append(want.Checks, "immutable")
	case updates:
	case p.annotation == "nvlnk":
		want.Checks = append(want.Checks, "topology")
	case requires && p.gpus == "none":
		want.Checks = append(want.Checks, "gpus")
	case requires && p.node == "" && want.Scheduler != "gpu-topology-scheduler":
		want.Checks = append(want.Checks, "scheduler")
	}
	return want
}

// TestEveryWayToAskForLinks mutates and judges every combination of what the
// policy gpu_scheduling reads.
func TestEveryWayToAskForLinks(t *testing.T) {
	set := shippedAlone(t, "gpu_scheduling")
	for _, p := range scheduledPods() {
		in := p.input()
		m := mutate(t, set, in)
		in.Pod = m.Pod
		if twice := mutate(t, set, in); len(twice.Operations) > 0 {
			t.Fatalf("%+v: mutating again changes %v", p, twice.Operations)
		}
		got := scheduled{Checks: []string{}}
		spec, metadata := m.Pod["spec"].(map[string]any), m.Pod["metadata"].(map[string]any)
		got.Scheduler, _ = spec["schedulerName"].(string)
		annotations, _ := metadata["annotations"].(map[string]any)
		got.Annotation, _ = annotations["usher.dev/gpu-topology"].(string)
		for _, result := range set.Validate(t.Context(), in) {
			if result.Err != nil {
				t.Fatalf("%+v: %v", p, result.Err)
			}
			for _, f := range slices.Concat(result.Deny, result.Warn) {
				got.Checks = append(got.Checks, f.Check)
			}
		}
		if diff := cmp.Diff(p.want(), got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", p, diff)
		}
	}
}
