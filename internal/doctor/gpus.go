package doctor

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"

	"usher.dev/usher/quota"
)

// extendedResources are the resources of a pod that are not Kubernetes' own, by
// name.
func extendedResources(spec *corev1.PodSpec) []string {
	names := map[string]bool{}
	for name := range resource.PodRequests(&corev1.Pod{Spec: *spec}, resource.PodResourcesOptions{}) {
		if isExtended(string(name)) {
			names[string(name)] = true
		}
	}
	for name := range resource.PodLimits(&corev1.Pod{Spec: *spec}, resource.PodResourcesOptions{}) {
		if isExtended(string(name)) {
			names[string(name)] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func isExtended(name string) bool {
	return strings.Contains(name, "/") && !strings.HasPrefix(name, corev1.ResourceDefaultNamespacePrefix)
}

// gpus are the GPU resources of a pod.
func gpus(w *quota.Weights, spec *corev1.PodSpec) []string {
	return slices.DeleteFunc(extendedResources(spec), func(name string) bool { return !w.IsGPU(name) })
}

// nodeGPUs are the GPU resources that a node offers.
func nodeGPUs(w *quota.Weights, node *corev1.Node) (names []string) {
	for name, n := range node.Status.Capacity {
		if isExtended(string(name)) && w.IsGPU(string(name)) && !n.IsZero() {
			names = append(names, string(name))
		}
	}
	slices.Sort(names)
	return names
}
