package tenancy

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// isMilli says whether a resource is divided in thousandths: CPUs are. The rest is
// bytes and counts, which come whole.
func isMilli(name corev1.ResourceName) bool {
	return name == corev1.ResourceCPU || name == corev1.ResourceRequestsCPU || name == corev1.ResourceLimitsCPU
}

// ceiling is an amount in the resource's smallest unit, rounded up: what is used
// or promised. Beyond what fits it is the largest that does.
func ceiling(name corev1.ResourceName, q resource.Quantity) int64 {
	if largest := quantity(name, math.MaxInt64, q.Format); q.Cmp(largest) >= 0 {
		return math.MaxInt64
	}
	if isMilli(name) {
		return q.MilliValue()
	}
	return q.Value()
}

// floor is an amount in the resource's smallest unit, rounded down: what may be
// handed out.
func floor(name corev1.ResourceName, q resource.Quantity) int64 {
	amount := ceiling(name, q)
	if back := quantity(name, amount, q.Format); back.Cmp(q) > 0 {
		amount--
	}
	return amount
}

// quantity is an amount as Kubernetes writes it.
func quantity(name corev1.ResourceName, amount int64, format resource.Format) resource.Quantity {
	if isMilli(name) {
		return *resource.NewMilliQuantity(amount, format)
	}
	return *resource.NewQuantity(amount, format)
}
