package policies_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	scheduling "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"usher.dev/usher/api/v1alpha1"
)

// isolatedTenant is a tenant, with the marks of its nodes as the Tenant kind
// defaults them.
type isolatedTenant struct {
	name     string
	pool     *v1alpha1.NodePool
	selector map[string]string
	taint    corev1.Taint
}

// The cluster's tenants. One is named by a number, because tolerations compare
// numbers, and one marks its nodes with keys of its own.
var isolatedTenants = []isolatedTenant{
	{
		name:     "tenant-a",
		pool:     &v1alpha1.NodePool{Isolation: v1alpha1.IsolationHard},
		selector: map[string]string{"tenant": "tenant-a"},
		taint:    corev1.Taint{Key: "tenant", Value: "tenant-a", Effect: corev1.TaintEffectNoSchedule},
	},
	{
		name:     "tenant-b",
		pool:     &v1alpha1.NodePool{Isolation: v1alpha1.IsolationSoft},
		selector: map[string]string{"tenant": "tenant-b"},
		taint:    corev1.Taint{Key: "tenant", Value: "tenant-b", Effect: corev1.TaintEffectNoSchedule},
	},
	{
		name:     "7",
		pool:     &v1alpha1.NodePool{},
		selector: map[string]string{"tenant": "7"},
		taint:    corev1.Taint{Key: "tenant", Value: "7", Effect: corev1.TaintEffectNoSchedule},
	},
	{
		name: "gold",
		pool: &v1alpha1.NodePool{
			Isolation:    v1alpha1.IsolationSoft,
			NodeSelector: map[string]string{"pool": "gold", "tier": "1"},
			Taint:        &v1alpha1.PoolTaint{Key: "dedicated", Value: "gold", Effect: corev1.TaintEffectNoExecute},
		},
		selector: map[string]string{"pool": "gold", "tier": "1"},
		taint:    corev1.Taint{Key: "dedicated", Value: "gold", Effect: corev1.TaintEffectNoExecute},
	},
}

func (t isolatedTenant) soft() bool { return t.pool.Isolation == v1alpha1.IsolationSoft }

// mayUse reports whether the tenant's pods may run on a node of owner's pool,
// or of no pool.
func (t isolatedTenant) mayUse(owner *isolatedTenant) bool {
	if owner == nil {
		return t.soft()
	}
	return owner.name == t.name
}

// ownsTaint reports whether a taint is the tenant's, of whatever effect; the
// tenant's name under the tenant label never means anybody else.
func (t isolatedTenant) ownsTaint(taint corev1.Taint) bool {
	return taint.Key == t.taint.Key && taint.Value == t.taint.Value || taint.Key == "tenant" && taint.Value == t.name
}

// node is a node of a tenant's pool, nil for one of no tenant.
func (m podMaker) node(owner *isolatedTenant) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: pick(m, nodeNames), Labels: map[string]string{}}}
	for _, key := range plainKeys {
		if m.oneIn(2) {
			node.Labels[key] = pick(m, plainValues)
		}
	}
	if m.oneIn(4) {
		node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{
			Key: pick(m, plainKeys), Value: pick(m, plainValues), Effect: corev1.TaintEffectNoSchedule,
		})
	}
	if owner == nil {
		return node
	}
	maps.Copy(node.Labels, owner.selector)
	switch m.IntN(4) {
	case 0: // A pool that only its label marks.
	case 1:
		taint := owner.taint
		taint.Effect = corev1.TaintEffectPreferNoSchedule
		node.Spec.Taints = append(node.Spec.Taints, taint)
	default:
		node.Spec.Taints = append(node.Spec.Taints, owner.taint)
	}
	return node
}

// someNode is a node of any pool or of none, a tenant's own more often than others'.
func (m podMaker) someNode(tenant isolatedTenant) (node *corev1.Node, owner *isolatedTenant) {
	switch n := m.IntN(len(isolatedTenants) + 2); {
	case n < len(isolatedTenants):
		owner = &isolatedTenants[n]
	case n == len(isolatedTenants):
		owner = &tenant
	}
	return m.node(owner), owner
}

// strays reports a pod that may run where its tenant's pods may not.
func strays(m podMaker, tenant isolatedTenant, pod *corev1.Pod) bool {
	for range 12 {
		if node, owner := m.someNode(tenant); schedulable(pod, node) && !tenant.mayUse(owner) {
			return true
		}
	}
	return false
}

// placementProblem asks the scheduler's code where a pod that was patched may
// run, says what is wrong with that, and counts the places.
func placementProblem(tb testing.TB, m podMaker, tenant isolatedTenant, sent, patched *corev1.Pod) (problem string, places int) {
	tb.Helper()
	// What the pod could reach if usher added nothing but the way into its pool.
	tolerant := sent.DeepCopy()
	tolerant.Spec.Tolerations = append(tolerant.Spec.Tolerations, corev1.Toleration{
		Key: tenant.taint.Key, Operator: corev1.TolerationOpEqual, Value: tenant.taint.Value, Effect: tenant.taint.Effect,
	})
	for range 12 {
		node, owner := m.someNode(tenant)
		fits := schedulable(patched, node)
		allowed := tenant.mayUse(owner)
		switch {
		case fits && !allowed:
			return fmt.Sprintf("may run on a node of another pool or outside its own:\n%s", asYAML(tb, node)), places
		case allowed && fits != schedulable(tolerant, node):
			return fmt.Sprintf("fits %t where it should fit %t:\n%s", fits, !fits, asYAML(tb, node)), places
		case fits:
			places++
		}
	}
	return "", places
}

// schedulable is what kube-scheduler's plugins NodeAffinity and TaintToleration
// filter by.
func schedulable(pod *corev1.Pod, node *corev1.Node) bool {
	match, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node)
	if err != nil || !match {
		return false
	}
	_, untolerated := scheduling.FindMatchingUntoleratedTaint(logr.Discard(), node.Spec.Taints, pod.Spec.Tolerations,
		func(taint *corev1.Taint) bool { return taint.Effect != corev1.TaintEffectPreferNoSchedule }, true)
	return !untolerated
}

// tolerates is the scheduler's view, with operators Lt and Gt in force.
func tolerates(toleration corev1.Toleration, taint corev1.Taint) bool {
	return toleration.ToleratesTaint(logr.Discard(), &taint, true)
}
