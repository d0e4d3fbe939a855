package extender

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/topology"
)

// annotationTopology of a pod says what it requires of the links between its
// GPUs.
const annotationTopology = "usher.dev/gpu-topology"

// requirementOf reads what a pod requires of the links between its GPUs: from its
// annotation, else from the variable NCCL_TOPOLOGY=NVLINK of any container that
// asks for GPUs; usher's mutating webhook makes the former of the latter.
//
// The requirement holds for each container's GPUs, and for a pod with several
// containers that have GPUs for all of them together: only then can any two of
// them exchange data as the pod requires.
func requirementOf(pod *corev1.Pod) (topology.Requirement, error) {
	if value, ok := pod.Annotations[annotationTopology]; ok {
		r, err := topology.ParseRequirement(value)
		if err != nil {
			return 0, fmt.Errorf("annotation %s: %w", annotationTopology, err)
		}
		return r, nil
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			for _, env := range list[i].Env {
				if env.Name == "NCCL_TOPOLOGY" && strings.EqualFold(env.Value, "NVLINK") && devicesOf(&list[i]) != nil {
					return topology.NVLink, nil
				}
			}
		}
	}
	return topology.BestEffort, nil
}
