package quota

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// CacheOptions is how the settler wants the kinds that it alone watches to be
// kept by its manager's cache: pods that have ended are left out, and of the rest
// only what counting needs is kept. Nothing that is read from there may be
// changed or written back.
func CacheOptions() map[client.Object]cache.ByObject {
	shared := true
	return map[client.Object]cache.ByObject{
		&corev1.Pod{}: {
			Field: fields.AndSelectors(
				fields.OneTermNotEqualSelector("status.phase", string(corev1.PodSucceeded)),
				fields.OneTermNotEqualSelector("status.phase", string(corev1.PodFailed)),
			),
			Transform:             stripPod,
			UnsafeDisableDeepCopy: &shared,
		},
		&resourcev1.ResourceClaim{}: {Transform: stripClaim, UnsafeDisableDeepCopy: &shared},
		&v1alpha1.GPUNode{}:         {Transform: stripNode, UnsafeDisableDeepCopy: &shared},
		&v1alpha1.QuotaLedger{}:     {Transform: cache.TransformStripManagedFields(), UnsafeDisableDeepCopy: &shared},
	}
}

func stripPod(in any) (any, error) {
	pod, ok := in.(*corev1.Pod)
	if !ok {
		return in, nil
	}
	out := &corev1.Pod{ObjectMeta: stripMeta(&pod.ObjectMeta), Status: corev1.PodStatus{Phase: pod.Status.Phase}}
	out.Spec = corev1.PodSpec{
		NodeName: pod.Spec.NodeName, InitContainers: stripContainers(pod.Spec.InitContainers), Containers: stripContainers(pod.Spec.Containers),
		Overhead: extended(pod.Spec.Overhead),
	}
	if !mayHold(out) {
		// It is kept only because the cache cannot leave it out.
		out.Spec = corev1.PodSpec{}
	}
	return out, nil
}

func stripContainers(in []corev1.Container) []corev1.Container {
	out := make([]corev1.Container, len(in))
	for i := range in {
		r := &in[i].Resources
		out[i] = corev1.Container{
			Name: in[i].Name, RestartPolicy: in[i].RestartPolicy,
			Resources: corev1.ResourceRequirements{Limits: extended(r.Limits), Requests: extended(r.Requests)},
		}
	}
	return out
}

// extended are the extended resources of a list; nil: none.
func extended(in corev1.ResourceList) corev1.ResourceList {
	var out corev1.ResourceList
	for name, quantity := range in {
		if isExtended(name) {
			if out == nil {
				out = corev1.ResourceList{}
			}
			out[name] = quantity
		}
	}
	return out
}

func hasExtended(list corev1.ResourceList) bool {
	for name := range list {
		if isExtended(name) {
			return true
		}
	}
	return false
}

// isExtended says whether a resource is one with a domain, as all of GPUs are.
// Kubernetes' own have none.
func isExtended(name corev1.ResourceName) bool { return strings.Contains(string(name), "/") }

func stripClaim(in any) (any, error) {
	claim, ok := in.(*resourcev1.ResourceClaim)
	if !ok {
		return in, nil
	}
	out := &resourcev1.ResourceClaim{ObjectMeta: stripMeta(&claim.ObjectMeta), Spec: claim.Spec}
	if made := claim.Annotations[resourcev1.ExtendedResourceClaimAnnotation]; made != "" {
		out.Annotations = map[string]string{resourcev1.ExtendedResourceClaimAnnotation: made}
	}
	return out, nil
}

func stripNode(in any) (any, error) {
	node, ok := in.(*v1alpha1.GPUNode)
	if !ok {
		return in, nil
	}
	out := &v1alpha1.GPUNode{ObjectMeta: stripMeta(&node.ObjectMeta)}
	for _, r := range node.Status.Resources {
		out.Status.Resources = append(out.Status.Resources, v1alpha1.DeviceResource{Name: r.Name, Replicas: r.Replicas})
	}
	return out, nil
}

// stripMeta keeps who an object is, its reservation and its end.
func stripMeta(in *metav1.ObjectMeta) metav1.ObjectMeta {
	out := metav1.ObjectMeta{
		Name: in.Name, Namespace: in.Namespace, UID: in.UID, ResourceVersion: in.ResourceVersion,
		DeletionTimestamp: in.DeletionTimestamp,
	}
	if id := in.Labels[v1alpha1.ReservationLabel]; id != "" {
		out.Labels = map[string]string{v1alpha1.ReservationLabel: id}
	}
	return out
}
