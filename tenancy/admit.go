package tenancy

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// ReasonNotCounted says that a quota does not bind yet.
const ReasonNotCounted = "QuotaNotCounted"

// admit binds the tenant's owners in one of its namespaces, as the last thing:
// nobody is let in for the first time before everything that bounds them stands.
// Who is in already is not thrown out for it.
func (r *run) admit(ctx context.Context, namespace string) {
	if r.contested(namespace) {
		return
	}
	bounded := r.isBounded(namespace)
	for _, binding := range access(r.tenant, namespace) {
		if _, there := r.managed[keyOf(binding)]; there || bounded {
			r.ensure(ctx, binding)
		}
	}
}

// isBounded says whether all that bounds the tenant stands in a namespace. A
// ResourceQuota binds once kube-controller-manager has counted what is there:
// before that the API server admits anything.
func (r *run) isBounded(namespace string) bool {
	objects := isolation(r.tenant, r.options.TenantLabel, namespace)
	if len(r.tenant.Spec.Quota) > 0 {
		objects = append(objects, newShare(r.tenant, namespace, ""))
	}
	bounded := true
	for _, want := range objects {
		live, there := r.managed[keyOf(want)]
		bounded = bounded && there
		if quota, ok := live.(*corev1.ResourceQuota); ok && !isCounted(quota) {
			bounded = false
			r.notCounted()
		}
	}
	return bounded
}

// notCounted says so once, whichever quotas it is about: they change from one
// moment to the next.
func (r *run) notCounted() {
	uncounted := problem{ReasonNotCounted, "kube-controller-manager has not counted every ResourceQuota yet; new owners and new namespaces get access when it has"}
	if !slices.Contains(r.problems, uncounted) {
		r.problems = append(r.problems, uncounted)
	}
}

// isCounted says whether admission goes by the quota as it is.
func isCounted(quota *corev1.ResourceQuota) bool { return equal(quota.Spec.Hard, quota.Status.Hard) }
