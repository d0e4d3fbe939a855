package storm

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// devices are GPU resources and how many of each.
type devices map[string]int64

// podOf is a pod of one container with devices. Its name is generated where none
// is given.
func podOf(namespace, name string, with devices) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: podSpec(with)}
	if name == "" {
		pod.GenerateName = "storm-"
	}
	return pod
}

func podSpec(with devices) corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{container("main", with)}}
}

func container(name string, with devices) corev1.Container {
	limits := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("100m"),
		corev1.ResourceMemory: resource.MustParse("64Mi"),
	}
	for name, n := range with {
		limits[corev1.ResourceName(name)] = *resource.NewQuantity(n, resource.DecimalSI)
	}
	return corev1.Container{
		Name: name, Image: "trainer:1",
		Resources: corev1.ResourceRequirements{Limits: limits, Requests: limits.DeepCopy()},
	}
}

// atOnce deletes without a grace period.
func atOnce() metav1.DeleteOptions { return metav1.DeleteOptions{GracePeriodSeconds: new(int64)} }
