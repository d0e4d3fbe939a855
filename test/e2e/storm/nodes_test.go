package storm

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// schedulerConfiguration is one kube-scheduler under both names that usher sends
// pods to. Which GPUs they get is not the matter here.
const schedulerConfiguration = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
profiles:
  - {schedulerName: default-scheduler}
  - {schedulerName: gpu-topology-scheduler}
`

// nodeManifest is what an agent reports of a node whose GPUs are shared by four.
const nodeManifest = `
apiVersion: usher.dev/v1alpha1
kind: GPUNode
metadata: {name: %s}
status:
  resources:
    - {name: nvidia.com/gpu, devices: [], replicas: 1}
    - {name: nvidia.com/gpu.shared, devices: [], replicas: 4}
`

// runPods makes KWOK nodes with more devices of all kinds than the tests ask for,
// and a scheduler, until the test ends.
func (c *cluster) runPods(t *testing.T) {
	t.Helper()
	kwok, err := c.StartKWOK(t.Context())
	must(t, err)
	t.Cleanup(kwok.Release)
	config, err := c.As("system:kube-scheduler")
	must(t, err)
	scheduler, err := c.NewScheduler("kube-scheduler", []byte(schedulerConfiguration), config)
	must(t, err)
	t.Cleanup(scheduler.Release)
	must(t, scheduler.Start(t.Context()))
	for i := range 4 {
		name := fmt.Sprint("node-", i)
		_, err := c.admin.CoreV1().Nodes().Create(t.Context(), node(name), metav1.CreateOptions{})
		must(t, ignoreExists(err))
		manifest := fmt.Sprintf(nodeManifest, name)
		must(t, c.ApplyYAML(t.Context(), manifest))
		_, _, err = c.Kubectl(t.Context(), manifest, "apply", "--server-side", "--subresource=status", "-f", "-")
		must(t, err)
	}
}

func node(name string) *corev1.Node {
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("256"),
		corev1.ResourceMemory: resource.MustParse("2Ti"),
		corev1.ResourcePods:   resource.MustParse("1000"),
	}
	for gpu := range weights {
		capacity[corev1.ResourceName(gpu)] = resource.MustParse("1000")
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}},
		Status:     corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
	}
}
