package randompod

import corev1 "k8s.io/api/core/v1"

func (g generator) addAppArmorAnnotation(pod *corev1.Pod) {
	prefix := pick(g,
		corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix,
		corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix,
		"container.apparmor.security.beta.kubernetes.io",
		"Container.apparmor.security.beta.kubernetes.io/",
	)
	annotate(pod, prefix+g.containerName(pod), pick(g,
		"runtime/default", "localhost/", "localhost/~profile", "unconfined", "unconfined", "", "Runtime/Default", "localhost"))
}

func (g generator) addSeccompAnnotation(pod *corev1.Pod) {
	key := pick(g,
		corev1.SeccompPodAnnotationKey,
		corev1.SeccompContainerAnnotationKeyPrefix+g.containerName(pod),
		corev1.SeccompContainerAnnotationKeyPrefix+g.containerName(pod),
	)
	annotate(pod, key, pick(g,
		"runtime/default", "docker/default", "localhost/profile", "unconfined", "unconfined", "", "localhost"))
}

// containerName returns the name of a container, of no container, or none.
func (g generator) containerName(pod *corev1.Pod) string {
	names := []string{"stranger", ""}
	for _, c := range Containers(pod) {
		names = append(names, c.Name, c.Name)
	}
	return pick(g, names...)
}

func annotate(pod *corev1.Pod, key, value string) {
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[key] = value
}
