package tenancy

import (
	"maps"

	"usher.dev/usher/api/v1alpha1"
)

// pool is a Tenant's node pool with its defaults filled in.
type pool struct {
	taintKey, taintValue string
	selector             map[string]string
}

// poolOf returns the tenant's pool, nil if it has none of its own.
func poolOf(t *v1alpha1.Tenant, tenantLabel string) *pool {
	spec := t.Spec.NodePool
	if spec == nil {
		return nil
	}
	p := &pool{taintKey: tenantLabel, taintValue: t.Name, selector: map[string]string{tenantLabel: t.Name}}
	if spec.Taint != nil {
		p.taintKey, p.taintValue = spec.Taint.Key, spec.Taint.Value
	}
	if len(spec.NodeSelector) > 0 {
		p.selector = spec.NodeSelector
	}
	return p
}

// overlaps says whether two pools are one, as far as their words tell: the pods
// of both tolerate the same taint, or every node of one is by its labels a node
// of the other. Whether selectors that name different labels meet on some node,
// only the nodes know; such a node bears two taints, and takes neither's pods.
func (p *pool) overlaps(q *pool) bool {
	if p == nil || q == nil {
		return false
	}
	return p.taintKey == q.taintKey && p.taintValue == q.taintValue ||
		contains(p.selector, q.selector) || contains(q.selector, p.selector)
}

// contains says whether all of part is in whole.
func contains(whole, part map[string]string) bool {
	for key, value := range maps.All(part) {
		if got, ok := whole[key]; !ok || got != value {
			return false
		}
	}
	return true
}
