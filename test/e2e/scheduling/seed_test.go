package scheduling

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// distributedTraining is the pod as the guide that usher grew out of has it.
const distributedTraining = `
apiVersion: v1
kind: Pod
metadata:
  name: distributed-training
spec:
  schedulerName: gpu-topology-scheduler
  containers:
  - name: trainer
    image: pytorch/pytorch:1.9.0-cuda11.1
    command: ["python", "-m", "torch.distributed.launch", "train.py"]
    resources:
      limits:
        nvidia.com/gpu: 4
    env:
    - name: NCCL_TOPOLOGY
      value: "NVLINK"
`

// TestTheSeedsPodGetsLinkedGPUs has two nodes of the same hardware with four
// free GPUs each: on one they share a board, on the other they are two and two.
func TestTheSeedsPodGetsLinkedGPUs(t *testing.T) {
	f := shared.newFleet(t, map[string]shape{"linked": twoBoards, "split": twoBoards})
	f.startAgents(t)
	const namespace = "seed"
	f.cluster.namespace(t, namespace, nil)
	f.leaveFree(t, "linked", 4, 5, 6, 7)
	f.leaveFree(t, "split", 2, 3, 6, 7)

	pod := &corev1.Pod{}
	if err := yaml.UnmarshalStrict([]byte(distributedTraining), pod); err != nil {
		t.Fatal(err)
	}
	pod.Namespace = namespace
	f.cluster.create(t, pod)
	if node := f.cluster.waitBound(t, namespace, pod.Name); node != "linked" {
		t.Errorf("the pod is on the node %q", node)
	}
	f.expectGPUs(t, namespace, pod.Name, "linked", 4, 5, 6, 7)

	t.Run("a second one waits", func(t *testing.T) {
		second := pod.DeepCopy()
		second.Name = "second"
		f.cluster.create(t, second)
		t.Logf("the scheduler says: %s", f.cluster.waitRefused(t, namespace, second.Name))
	})
	t.Run("until linked GPUs are free", func(t *testing.T) {
		f.cluster.remove(t, namespace, pod.Name)
		if node := f.cluster.waitBound(t, namespace, "second"); node != "linked" {
			t.Errorf("the pod is on the node %q", node)
		}
		f.expectGPUs(t, namespace, "second", "linked", 4, 5, 6, 7)
	})
	f.expectNoRefusal(t)
}
