package tenancy

import (
	"cmp"
	"fmt"
	"slices"

	"usher.dev/usher/api/v1alpha1"
)

// Reasons why a Tenant is not accepted, and of the Events that say so.
const (
	ReasonNamespaceConflict = "NamespaceConflict"
	ReasonPoolConflict      = "PoolConflict"
)

// Conflict is a claim of a Tenant that an older one made first.
type Conflict struct {
	// Reason is ReasonNamespaceConflict or ReasonPoolConflict.
	Reason string
	// Tenant is the older one.
	Tenant string
	// Namespace that both list; empty for a pool.
	Namespace string
}

func (c Conflict) String() string {
	if c.Reason == ReasonPoolConflict {
		return fmt.Sprintf("the node pool is also that of Tenant %q, which is older; give each a taint and a nodeSelector of its own", c.Tenant)
	}
	return fmt.Sprintf("namespace %q is also listed by Tenant %q, which is older; take it out of spec.namespaces of one of them", c.Namespace, c.Tenant)
}

// Conflicts returns which claims of a tenant older tenants made first, those of
// namespaces before that of the pool. The order of others is of no matter, and
// neither is whether they are accepted themselves: who is refused today may come
// back, and must find what it claimed.
func Conflicts(t *v1alpha1.Tenant, others []*v1alpha1.Tenant, tenantLabel string) []Conflict {
	own := poolOf(t, tenantLabel)
	var conflicts []Conflict
	for _, other := range others {
		if !isOlder(other, t) {
			continue
		}
		for _, namespace := range t.Spec.Namespaces {
			if slices.Contains(other.Spec.Namespaces, namespace) {
				conflicts = append(conflicts, Conflict{ReasonNamespaceConflict, other.Name, namespace})
			}
		}
		if own.overlaps(poolOf(other, tenantLabel)) {
			conflicts = append(conflicts, Conflict{Reason: ReasonPoolConflict, Tenant: other.Name})
		}
	}
	slices.SortFunc(conflicts, func(a, b Conflict) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Tenant, b.Tenant))
	})
	return conflicts
}

// isOlder orders tenants by the time of their creation, which is in whole
// seconds, and then by name.
func isOlder(a, b *v1alpha1.Tenant) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.Name < b.Name
}

// clash says whether two tenants claim the same, whoever is older.
func clash(a, b *v1alpha1.Tenant, tenantLabel string) bool {
	return a.Name != b.Name && (slices.ContainsFunc(a.Spec.Namespaces, func(namespace string) bool {
		return slices.Contains(b.Spec.Namespaces, namespace)
	}) || poolOf(a, tenantLabel).overlaps(poolOf(b, tenantLabel)))
}
