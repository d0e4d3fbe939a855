package e2e

import (
	"fmt"
	"testing"
)

// change is what a user does to a pod: to its container in one list, or to the
// pod itself. Doing it twice is doing it once.
type change struct {
	// policy forbids the change; empty for a change that none forbids.
	policy string
	// words say what is done, for the table.
	words string
	apply func(t *testing.T, pod, container map[string]any)
	// ofPod is set when the change is to the pod, and where.
	ofPod string
}

// field is where the denial has to point, or below, within the pod.
func (c change) field(list string, index int) string {
	if c.ofPod != "" {
		return c.ofPod
	}
	return fmt.Sprintf("spec.%s[%d]", list, index)
}

// harmless changes what may be changed at most doors.
var harmless = change{
	words: "a container runs another image",
	apply: func(t *testing.T, _, container map[string]any) {
		set(t, container, "app:2", "image")
	},
}

// resized is the harmless change at the door where images cannot change.
var resized = change{
	words: "a container gets a little more CPU",
	apply: func(t *testing.T, _, container map[string]any) {
		set(t, container, "110m", "resources", "requests", "cpu")
		set(t, container, "110m", "resources", "limits", "cpu")
	},
}

// forbidden holds one change for each policy that judges pods.
var forbidden = []change{
	{
		policy: "resource_limits",
		words:  "a container asks for 9 CPUs, where the tenant may have 8 in one",
		apply: func(t *testing.T, _, container map[string]any) {
			set(t, container, "9", "resources", "requests", "cpu")
			set(t, container, "9", "resources", "limits", "cpu")
		},
	},
	{
		policy: "pod_security",
		words:  "a container adds the capability SYS_TIME",
		apply: func(t *testing.T, _, container map[string]any) {
			set(t, container, []any{"SYS_TIME"}, "securityContext", "capabilities", "add")
		},
	},
	{
		policy: "tenant_isolation",
		words:  "the pod tolerates the taint of tenant-b's nodes",
		ofPod:  "spec.tolerations",
		apply: func(_ *testing.T, pod, _ map[string]any) {
			spec := pod["spec"].(map[string]any)
			tolerations, _ := spec["tolerations"].([]any)
			for _, toleration := range tolerations {
				if toleration.(map[string]any)["value"] == "tenant-b" {
					return
				}
			}
			spec["tolerations"] = append(tolerations, map[string]any{
				"key": "tenant", "operator": "Equal", "value": "tenant-b", "effect": "NoSchedule",
			})
		},
	},
	{
		policy: "gpu_quota",
		words:  "a container asks for 3 GPUs, where the tenant may have 2 in one",
		apply: func(t *testing.T, _, container map[string]any) {
			set(t, container, "3", "resources", "requests", "nvidia.com/gpu")
			set(t, container, "3", "resources", "limits", "nvidia.com/gpu")
		},
	},
	{
		policy: "gpu_escape",
		words:  "a container sets NVIDIA_VISIBLE_DEVICES",
		apply: func(t *testing.T, _, container map[string]any) {
			set(t, container, []any{map[string]any{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}}, "env")
		},
	},
	{
		policy: "gpu_scheduling",
		words:  "the pod asks for a GPU topology that there is not",
		ofPod:  "metadata.annotations",
		apply: func(t *testing.T, pod, _ map[string]any) {
			set(t, pod, "nvlnk", "metadata", "annotations", "usher.dev/gpu-topology")
		},
	},
}
