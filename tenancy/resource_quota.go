package tenancy

import (
	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/api/v1alpha1"
)

// resourceQuota is what one namespace of the tenant may hold; nil where the
// Tenant does not say.
func resourceQuota(t *v1alpha1.Tenant, namespace string) *corev1.ResourceQuota {
	if t.Spec.ResourceQuota == nil {
		return nil
	}
	return &corev1.ResourceQuota{
		ObjectMeta: meta(t.Name, namespace, t.Name+"-quota"),
		Spec:       *t.Spec.ResourceQuota.DeepCopy(),
	}
}
