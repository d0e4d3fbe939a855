package extender

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"usher.dev/usher/api/v1alpha1"
)

// tenancy says which tenant's pods may use which nodes, as the policy
// tenant_isolation does. It is a second wall: the policy's node selectors and
// tolerations lead kube-scheduler to the same nodes.
type tenancy struct {
	label      string            // of namespaces, and by default of nodes and taints
	open       bool              // pods of no tenant may enter pools
	namespaces map[string]string // the tenant of each namespace that has one
	pools      map[string]pool   // of tenants that have one
	grants     map[string]*grant // of tenants with GPUs
}

// pool is a tenant's node pool, with the defaults of the Tenant kind filled in.
type pool struct {
	selector map[string]string
	taint    corev1.Taint
	soft     bool
}

// poolOf returns a tenant's pool, false if it has none, or claims one that is an
// older tenant's.
func (t *tenancy) poolOf(tenant *v1alpha1.Tenant) (pool, bool) {
	declared := tenant.Spec.NodePool
	if declared == nil || meta.IsStatusConditionFalse(tenant.Status.Conditions, v1alpha1.ConditionAccepted) {
		return pool{}, false
	}
	p := pool{
		selector: declared.NodeSelector,
		taint:    corev1.Taint{Key: t.label, Value: tenant.Name},
		soft:     declared.Isolation == v1alpha1.IsolationSoft,
	}
	if len(p.selector) == 0 {
		p.selector = map[string]string{t.label: tenant.Name}
	}
	if declared.Taint != nil {
		p.taint = corev1.Taint{Key: declared.Taint.Key, Value: declared.Taint.Value}
	}
	return p, true
}

// owners lists the tenants whose pools a node is in, sorted: those whose labels
// or taint it carries, and those that its tenant label or taint names.
func (t *tenancy) owners(labels map[string]string, taints []corev1.Taint) []string {
	var owners []string
	if name := labels[t.label]; name != "" {
		owners = append(owners, name)
	}
	for _, taint := range taints {
		if taint.Key == t.label && taint.Value != "" {
			owners = append(owners, taint.Value)
		}
	}
	for name, p := range t.pools {
		if p.marks(labels, taints) {
			owners = append(owners, name)
		}
	}
	slices.Sort(owners)
	return slices.Compact(owners)
}

func (p *pool) marks(labels map[string]string, taints []corev1.Taint) bool {
	for key, value := range p.selector {
		if have, ok := labels[key]; !ok || have != value {
			return slices.ContainsFunc(taints, func(t corev1.Taint) bool { return t.Key == p.taint.Key && t.Value == p.taint.Value })
		}
	}
	return true
}

// guest is a pod's tenant as far as nodes are concerned.
type guest struct {
	tenant string // "" if none
	// roams: it may use nodes that are in no pool.
	roams bool
	// anywhere: it may enter every pool that it tolerates.
	anywhere bool
	// pooled: it has a pool, which it prefers.
	pooled bool
	// grant is what its tenant may use, nil if it has none or may use no GPU.
	grant *grant
}

func (t *tenancy) guest(namespace string) guest {
	tenant := t.namespaces[namespace]
	p, pooled := t.pools[tenant]
	return guest{tenant: tenant, roams: !pooled || p.soft, anywhere: tenant == "" && t.open, pooled: pooled, grant: t.grants[tenant]}
}

// mayUse says whether a pod may use a node of these owners.
func (g guest) mayUse(owners []string) bool {
	if g.anywhere {
		return true
	}
	if len(owners) == 0 {
		return g.roams
	}
	return g.owns(owners)
}

func (g guest) owns(owners []string) bool { return g.tenant != "" && slices.Contains(owners, g.tenant) }

// refusal says why a pod may not use a node of these owners.
func (g guest) refusal(owners []string) *refusal {
	who := "the pod's namespace has no tenant"
	if g.tenant != "" {
		who = fmt.Sprintf("the pod's tenant is %q", g.tenant)
	}
	if len(owners) == 0 {
		return newRefusal(causeTenant, false, "the node is in no tenant's pool; %s, whose pods stay in its own", who)
	}
	return newRefusal(causeTenant, false, "the node is in the pool of tenant %s; %s", strings.Join(owners, " and "), who)
}
