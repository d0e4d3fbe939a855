package extender

import (
	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/api/v1alpha1"
)

// unreserved refuses a pod for all nodes that asks for a tenant's GPUs and was
// admitted without being counted: by a webhook that was not asked. A pod that is
// bound already holds its GPUs, whatever is said here.
func unreserved(pod *corev1.Pod, g *guest) *refusal {
	if g.grant == nil || pod.Spec.NodeName != "" || pod.Labels[v1alpha1.ReservationLabel] != "" {
		return nil
	}
	return newRefusal(causeUnreserved, false,
		"the pod was admitted without a reservation of the GPUs of tenant %q: it has no label %s; delete it and create it again, so that usher-webhook reserves them",
		g.tenant, v1alpha1.ReservationLabel)
}
