package quota

import (
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// Counter says what a pod or a claim holds.
type Counter interface {
	// Pod counts the extended resources of a pod; replicas, which may be nil, says
	// into how many shares the node's devices of a resource are divided.
	Pod(spec *corev1.PodSpec, replicas func(resource string) (n int64, known bool)) Amount
	// Claim counts the most that a claim could be given.
	Claim(spec *resourcev1.ResourceClaimSpec) Amount
}

// shares says into how many shares a node's devices of a resource are divided.
type shares = func(resource string) (n int64, known bool)

// holders are the holders of a ledger.
type holders map[types.UID]*v1alpha1.LedgerEntry

func holdersOf(status *v1alpha1.QuotaLedgerStatus) holders {
	out := make(holders, len(status.Holders))
	for i := range status.Holders {
		out[status.Holders[i].UID] = &status.Holders[i]
	}
	return out
}

// podEntry is what a pod holds; false: nothing. on are the shares of the node that
// it is bound to, nil if it is not. A node whose report lacks a resource for a
// while, since its device plugin is away, leaves what was counted as it was.
func podEntry(pod *corev1.Pod, c Counter, on shares, known holders) (v1alpha1.LedgerEntry, bool) {
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed || !mayHold(pod) {
		return v1alpha1.LedgerEntry{}, false
	}
	missed := false
	ask := on
	if on != nil {
		ask = func(resource string) (int64, bool) {
			n, ok := on(resource)
			missed = missed || !ok
			return n, ok
		}
	}
	e, holds := entryOf(v1alpha1.KindPod, &pod.ObjectMeta, c.Pod(&pod.Spec, ask))
	if was := known[pod.UID]; missed && was != nil {
		e.MicroUnits, e.Resources, holds = was.MicroUnits, was.Resources, true
	}
	return e, holds
}

// claimEntry is what a claim holds; false: nothing.
func claimEntry(claim *resourcev1.ResourceClaim, c Counter, known holders) (v1alpha1.LedgerEntry, bool) {
	if known[claim.UID] == nil && !charged(claim) {
		return v1alpha1.LedgerEntry{}, false
	}
	return entryOf(v1alpha1.KindClaim, &claim.ObjectMeta, c.Claim(&claim.Spec))
}

// charged says whether a claim is a holder of its own. Those that a scheduler
// makes for the extended resources of a pod are not, since the pod is. They were
// admitted without a reservation, which tells them from a user's with the same
// annotation. What is a holder once stays one, whatever is written on it later.
func charged(claim *resourcev1.ResourceClaim) bool {
	return claim.Annotations[resourcev1.ExtendedResourceClaimAnnotation] == "" || claim.Labels[v1alpha1.ReservationLabel] != ""
}

func entryOf(kind string, o *metav1.ObjectMeta, a Amount) (v1alpha1.LedgerEntry, bool) {
	e := v1alpha1.LedgerEntry{
		Reservation: o.Labels[v1alpha1.ReservationLabel], Kind: kind, Namespace: o.Namespace, Name: o.Name, UID: o.UID,
		MicroUnits: int64(a.Units), FreeBy: o.DeletionTimestamp,
	}
	if len(a.Resources) > 0 {
		e.Resources = a.Resources
	}
	return e, e.MicroUnits > 0 || len(e.Resources) > 0
}

// identity is what an object's entry would be called.
func identity(kind string, o client.Object) v1alpha1.LedgerEntry {
	return v1alpha1.LedgerEntry{Reservation: o.GetLabels()[v1alpha1.ReservationLabel], Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID()}
}

// mayHold says whether a pod could hold GPUs at all: it asks for some extended
// resource, or was admitted with a reservation. Most pods do not, and cost nothing.
func mayHold(pod *corev1.Pod) bool {
	if pod.Labels[v1alpha1.ReservationLabel] != "" {
		return true
	}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			r := &containers[i].Resources
			if hasExtended(r.Limits) || hasExtended(r.Requests) {
				return true
			}
		}
	}
	return hasExtended(pod.Spec.Overhead)
}
