package randompod

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// base returns a pod that changes are made to. Most meet the restricted level
// of some versions, so that few changes make them fail few checks.
func (g generator) base() *corev1.Pod {
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: "random"},
	}
	for i := range pick(g, 0, 0, 0, 0, 1, 2) {
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{Name: fmt.Sprint("init-", i), Image: "i"})
	}
	for i := range pick(g, 1, 1, 1, 2, 3) {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: fmt.Sprint("app-", i), Image: "i"})
	}
	for i := range pick(g, 0, 0, 0, 0, 1, 2) {
		pod.Spec.EphemeralContainers = append(pod.Spec.EphemeralContainers, corev1.EphemeralContainer{
			EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: fmt.Sprint("debug-", i), Image: "i"},
		})
	}
	pick(g, bare, windows, inUserNamespace, restrictedByPod, restrictedByPod, restrictedByContainers, restrictedByContainers)(pod)
	return pod
}

func bare(*corev1.Pod) {}

func windows(pod *corev1.Pod) {
	pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{
		RunAsNonRoot:   new(true),
		WindowsOptions: &corev1.WindowsSecurityContextOptions{RunAsUserName: new("app")},
	}
}

func inUserNamespace(pod *corev1.Pod) {
	pod.Spec.HostUsers = new(false)
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	unprivileged(pod)
}

func restrictedByPod(pod *corev1.Pod) {
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{
		RunAsNonRoot:   new(true),
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	unprivileged(pod)
}

func restrictedByContainers(pod *corev1.Pod) {
	unprivileged(pod)
	for _, c := range Containers(pod) {
		c.SecurityContext.RunAsNonRoot = new(true)
		c.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
}

func unprivileged(pod *corev1.Pod) {
	for _, c := range Containers(pod) {
		c.SecurityContext = &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}
	}
}
