package doctor

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

func gpuNode(name string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"nvidia.com/gpu.present": "true"}},
		Status:     corev1.NodeStatus{Conditions: ready(), Capacity: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("8")}},
	}
}

func report(name string, age time.Duration) *v1alpha1.GPUNode {
	return &v1alpha1.GPUNode{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: v1alpha1.GPUNodeStatus{Heartbeat: &metav1.Time{Time: now.Add(-age)}}}
}

// scheduler changes the scheduler's configuration.
func scheduler(s *Snapshot, from, to string) {
	data := s.ConfigMaps[0].Data
	data["scheduler-config.yaml"] = strings.Replace(data["scheduler-config.yaml"], from, to, 1)
}

// waiting is a pod that waits for gpu-topology-scheduler.
func waiting() *corev1.Pod {
	p := gpuPod("team-a", "waits")
	p.Spec.NodeName, p.Spec.SchedulerName, p.Status.Phase = "", schedulerName, corev1.PodPending
	return p
}

var gpuFaults = map[string][]fault{
	"gpu-reports": {
		{name: "none, old, growing old, not ready, of no node", plant: func(_ *testing.T, s *Snapshot) {
			s.Nodes = append(s.Nodes, gpuNode("a"), gpuNode("b"), gpuNode("c"), gpuNode("d"), gpuNode("e"))
			unready := report("e", time.Second)
			unready.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: "DriverHangs"}}
			s.GPUNodes = append(s.GPUNodes, report("c", time.Hour), report("d", 3*time.Minute), unready, report("gone", time.Second))
		}, want: []string{
			"error Node c: a report older than 10 minutes: pods with GPUs are not placed on it",
			"warning Node d: a report that grows old, older than 2 minutes: …",
			"error Node e: a report that is not ready (DriverHangs): …",
			"error Node a: no GPUNode of 2 nodes: pods with GPUs are not placed on a, b",
			"warning GPUNode gone: there is no Node gone",
		}},
	},
	"agents": {
		{name: "no DaemonSet", plant: func(_ *testing.T, s *Snapshot) { find(s.DaemonSets, "usher-system", agentName).Name = "other" }, want: []string{"error DaemonSet usher-system/usher-agent: it is not there, and 1 node has GPUs"}},
		{name: "a node that it leaves out, and one that is not ready", plant: func(_ *testing.T, s *Snapshot) {
			unlabelled := gpuNode("gpu-2")
			unlabelled.Labels = nil
			s.Nodes = append(s.Nodes, unlabelled)
			find(s.DaemonSets, "usher-system", agentName).Status.NumberReady = 0
		}, want: []string{
			"error DaemonSet usher-system/usher-agent: its nodeSelector leaves 1 node with GPUs out: gpu-2",
			"warning DaemonSet usher-system/usher-agent: 1 of 1 agents are not ready",
		}},
	},
	"scheduler": {
		{name: "not there, and pods wait", plant: func(_ *testing.T, s *Snapshot) {
			s.deployment(schedulerName).Name = "other"
			s.Pods = append(s.Pods, waiting())
		}, want: []string{"error Deployment usher-system/gpu-topology-scheduler: it is not there, and 1 pod waits for it: team-a/waits"}},
		{name: "not there, and pods are sent to it", plant: func(_ *testing.T, s *Snapshot) { s.deployment(schedulerName).Name = "other" }, want: []string{"warning ConfigMap usher-system/usher-webhook-config: pods with GPUs are sent to gpu-topology-scheduler, which is not there: …"}},
		{name: "not there, and no pod is sent to it", plant: func(_ *testing.T, s *Snapshot) {
			s.deployment(schedulerName).Name = "other"
			configure(s, "policies: {gpu_scheduling: {parameters: {route: false}}}\n")
		}},
		{name: "not ready", plant: func(_ *testing.T, s *Snapshot) {
			s.deployment(schedulerName).Status.ReadyReplicas = 0
			s.Pods = append(s.Pods, waiting())
		}, want: []string{"error Deployment usher-system/gpu-topology-scheduler: none of its replicas is ready, and 1 pod waits for it: team-a/waits"}},
	},
	"scheduler-extender": {
		{name: "no extender", plant: func(_ *testing.T, s *Snapshot) {
			s.deployment(schedulerName).Spec.Template.Spec.InitContainers = nil
			scheduler(s, "filterVerb: filter", "filterVerb: choose")
		}, want: []string{
			"error Deployment usher-system/gpu-topology-scheduler: no container of it is usher-extender",
			"error ConfigMap usher-system/gpu-topology-scheduler-config: it names no extender with the verbs filter and prioritize: …",
		}},
		{name: "settings", plant: func(_ *testing.T, s *Snapshot) {
			scheduler(s, "ignorable: false", "ignorable: true")
			scheduler(s, "nodeCacheCapable: true", "nodeCacheCapable: false")
			scheduler(s, "weight: 20", "weight: 0")
			scheduler(s, "- schedulerName: gpu-topology-scheduler", "- schedulerName: other")
			scheduler(s, "- name: nvidia.com/gpu\n      - name: nvidia.com/gpu.shared", "- name: nvidia.com/gpu.shared")
		}, want: []string{
			"error ConfigMap usher-system/gpu-topology-scheduler-config: no profile of it is named gpu-topology-scheduler",
			"error ConfigMap usher-system/gpu-topology-scheduler-config: its extender is ignorable: …",
			"error ConfigMap usher-system/gpu-topology-scheduler-config: nodeCacheCapable is false: …",
			"error ConfigMap usher-system/gpu-topology-scheduler-config: the extender's weight is not above 0: …",
			"error ConfigMap usher-system/gpu-topology-scheduler-config: managedResources lacks what nodes offer: nvidia.com/gpu; …",
		}},
		{name: "unreadable, and gone", plant: func(_ *testing.T, s *Snapshot) { s.ConfigMaps[0].Data["scheduler-config.yaml"] = "extenders: x" }, want: []string{"error ConfigMap usher-system/gpu-topology-scheduler-config: scheduler-config.yaml is unreadable: …"}},
	},
}
