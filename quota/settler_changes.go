package quota

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"usher.dev/usher/api/v1alpha1"
)

// changed says whether an update of a pod or claim can change what it holds, for
// how long, or by which reservation. The rest of what is kept of them never changes.
func changed(was, is client.Object) bool {
	if was.GetUID() != is.GetUID() || !was.GetDeletionTimestamp().Equal(is.GetDeletionTimestamp()) ||
		was.GetLabels()[v1alpha1.ReservationLabel] != is.GetLabels()[v1alpha1.ReservationLabel] {
		return true
	}
	before, ok := was.(*corev1.Pod)
	after, also := is.(*corev1.Pod)
	return ok && also && before.Spec.NodeName != after.Spec.NodeName
}

// sharesChanged lets through updates of GPUNodes that divide devices otherwise.
func sharesChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		was, ok := e.ObjectOld.(*v1alpha1.GPUNode)
		is, also := e.ObjectNew.(*v1alpha1.GPUNode)
		return !ok || !also || !slices.EqualFunc(was.Status.Resources, is.Status.Resources, func(a, b v1alpha1.DeviceResource) bool {
			return a.Name == b.Name && a.Replicas == b.Replicas
		})
	}}
}

// boundTo indexes pods that may hold GPUs by their node.
func boundTo(o client.Object) []string {
	pod, ok := o.(*corev1.Pod)
	if !ok || !mayHold(pod) {
		return nil
	}
	return present(pod.Spec.NodeName)
}

// present is a list of the one value, or of none if it is empty.
func present(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}
