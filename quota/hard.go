package quota

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"usher.dev/usher/api/v1alpha1"
)

// hardOf is what a tenant may hold. Without GPU limits it may hold none.
func hardOf(limits *v1alpha1.GPULimits) v1alpha1.QuotaHard {
	if limits == nil {
		none := int64(0)
		return v1alpha1.QuotaHard{MicroUnits: &none}
	}
	return v1alpha1.QuotaHard{
		MicroUnits:          floor(limits.PerTenant),
		NamespaceMicroUnits: floor(limits.PerNamespace),
		Resources:           maps.Clone(limits.Caps),
	}
}

// floor is a limit in micro-units, rounded down: what is held is rounded up, and
// so the two never meet above the limit that people wrote.
func floor(q *resource.Quantity) *int64 {
	if q == nil {
		return nil
	}
	var units int64
	switch {
	case q.Sign() <= 0:
	case q.Cmp(*resource.NewScaledQuantity(math.MaxInt64, resource.Micro)) >= 0:
		units = math.MaxInt64
	default:
		// ScaledValue rounds up.
		if units = q.ScaledValue(resource.Micro); resource.NewScaledQuantity(units, resource.Micro).Cmp(*q) > 0 {
			units--
		}
	}
	return &units
}

// excess says which limit a status is above, and by how much; empty: none.
func excess(hard *v1alpha1.QuotaHard, status *v1alpha1.QuotaLedgerStatus) string {
	all := sumOf(status.Holders)
	for i := range status.Reservations {
		all.add(&status.Reservations[i])
	}
	if limit := hard.MicroUnits; limit != nil && all.units > *limit {
		return fmt.Sprintf("it holds %s GPUs and may hold %s", Units(all.units), Units(*limit))
	}
	if limit := hard.NamespaceMicroUnits; limit != nil {
		for _, ns := range slices.Sorted(maps.Keys(all.namespaces)) {
			if held := all.namespaces[ns]; held > *limit {
				return fmt.Sprintf("its namespace %q holds %s GPUs and may hold %s", ns, Units(held), Units(*limit))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(hard.Resources)) {
		if held := all.resources[name]; held > hard.Resources[name] {
			return fmt.Sprintf("it holds %d %s and may hold %d", held, name, hard.Resources[name])
		}
	}
	return ""
}
