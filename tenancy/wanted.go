package tenancy

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// isolation is what bounds the tenant in one of its namespaces, in the order in
// which it is made. The shares of the tenant-wide quota are beside it, since
// they depend on more than the Tenant.
func isolation(t *v1alpha1.Tenant, tenantLabel, namespace string) []client.Object {
	var objects []client.Object
	if quota := resourceQuota(t, namespace); quota != nil {
		objects = append(objects, quota)
	}
	if limits := limitRange(t, namespace); limits != nil {
		objects = append(objects, limits)
	}
	for _, policy := range networkPolicies(t, tenantLabel, namespace) {
		objects = append(objects, policy)
	}
	return objects
}

// access is what lets the tenant's owners into one of its namespaces. It comes
// after all that bounds them.
func access(t *v1alpha1.Tenant, namespace string) []client.Object {
	var objects []client.Object
	for _, binding := range roleBindings(t, namespace) {
		objects = append(objects, binding)
	}
	return objects
}
