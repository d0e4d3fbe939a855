package cluster

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

// granting returns a tenant as reviews may rely on it. One that usher-controller
// does not accept, because another tenant has its namespace or its pool, grants
// no more than one that nobody declared: it is its metadata alone.
func granting(tenant map[string]any) map[string]any {
	if tenant == nil || !refused(tenant) {
		return tenant
	}
	return map[string]any{"metadata": tenant["metadata"]}
}

// refused reports whether the condition Accepted is False. A tenant that the
// controller has not looked at yet has no such condition, and counts.
func refused(tenant map[string]any) bool {
	status, _ := tenant["status"].(map[string]any)
	conditions, _ := status["conditions"].([]any)
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		if condition["type"] == v1alpha1.ConditionAccepted {
			return condition["status"] == string(metav1.ConditionFalse)
		}
	}
	return false
}
