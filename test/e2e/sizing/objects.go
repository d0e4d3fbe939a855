package main

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
)

// images is how many a kubelet lists of its node (its nodeStatusMaxImages).
const images = 50

// nodeOf is a Node as a kubelet keeps it, images included: they are most of it.
func nodeOf(name string) *corev1.Node {
	amounts := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("192"), corev1.ResourceMemory: resource.MustParse("2Ti"),
		corev1.ResourcePods: resource.MustParse("110"), "nvidia.com/gpu": resource.MustParse("8"),
	}
	n := &corev1.Node{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("node-" + name), Labels: map[string]string{
			"kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
			"topology.kubernetes.io/zone": "zone-a", "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3",
		}},
		Status: corev1.NodeStatus{Capacity: amounts, Allocatable: amounts},
	}
	for _, condition := range []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure, corev1.NodeReady} {
		n.Status.Conditions = append(n.Status.Conditions, corev1.NodeCondition{Type: condition, Status: corev1.ConditionTrue, Reason: "KubeletHas" + string(condition)})
	}
	for i := range images {
		n.Status.Images = append(n.Status.Images, corev1.ContainerImage{
			Names:     []string{fmt.Sprintf("registry.example/%d@sha256:%s", i, strings.Repeat("0", 64)), fmt.Sprintf("registry.example/%d:1.0", i)},
			SizeBytes: 1 << 30,
		})
	}
	return n
}

// podOf is a pod that runs on a node, as a kubelet and an API server keep it.
func (c *cluster) podOf(i int, node string, gpu bool) *unstructured.Unstructured {
	o := c.pod.DeepCopy()
	name := podName(i)
	limits := map[string]any{"cpu": "1", "memory": "1Gi"}
	labels := map[string]string{"app": "train", "pod-template-hash": "5d4f8c7b9d"}
	if gpu {
		limits["nvidia.com/gpu"] = "1"
		labels[v1alpha1.ReservationLabel] = fmt.Sprintf("%026d", i)
	} else {
		name = fmt.Sprintf("serve-%06d", i)
	}
	o.SetName(name)
	o.SetNamespace(c.namespaceOf(i))
	o.SetUID(types.UID(fmt.Sprintf("%s-%030d", name[:5], i)))
	o.SetLabels(labels)
	spec := o.Object["spec"].(map[string]any)
	spec["nodeName"] = node
	container := spec["containers"].([]any)[0].(map[string]any)
	container["resources"] = map[string]any{"limits": limits, "requests": limits}
	container["env"] = []any{
		map[string]any{"name": "NVIDIA_VISIBLE_DEVICES", "value": "none"},
		map[string]any{"name": "DATA", "value": "/data/set-a"},
	}
	container["volumeMounts"] = []any{map[string]any{"name": "kube-api-access-x7k2p", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}}
	spec["volumes"] = []any{map[string]any{"name": "kube-api-access-x7k2p", "projected": map[string]any{"defaultMode": int64(420), "sources": []any{
		map[string]any{"serviceAccountToken": map[string]any{"path": "token", "expirationSeconds": int64(3607)}},
		map[string]any{"configMap": map[string]any{"name": "kube-root-ca.crt", "items": []any{map[string]any{"key": "ca.crt", "path": "ca.crt"}}}},
	}}}}
	started := "2026-01-01T00:00:00Z"
	o.Object["status"] = map[string]any{
		"phase": "Running", "qosClass": "Guaranteed", "hostIP": "10.0.0.1", "podIP": "10.1.0.1", "startTime": started,
		"conditions": []any{
			map[string]any{"type": "PodScheduled", "status": "True", "lastTransitionTime": started},
			map[string]any{"type": "Initialized", "status": "True", "lastTransitionTime": started},
			map[string]any{"type": "ContainersReady", "status": "True", "lastTransitionTime": started},
			map[string]any{"type": "Ready", "status": "True", "lastTransitionTime": started},
		},
		"containerStatuses": []any{map[string]any{
			"name": "main", "image": "app:1", "imageID": "registry.example/app@sha256:" + strings.Repeat("0", 64), "ready": true, "restartCount": int64(0),
			"containerID": "containerd://" + strings.Repeat("0", 64), "state": map[string]any{"running": map[string]any{"startedAt": started}},
		}},
	}
	return o
}
