// Package holdings tells what tenants hold: Tenants and their ledgers are read,
// described and printed.
package holdings

import (
	"cmp"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

// Description is a Tenant and its ledger as a person wants to know them. Amounts
// of GPUs are in GPU units as people write them, such as "12.428572"; what is not
// limited has no limit and nothing free.
type Description struct {
	Name string `json:"name"`
	// Ready says that the cluster is as the Tenant says; if not, Reason and
	// Message say why.
	Ready   bool   `json:"ready"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Namespaces are the tenant's, sorted.
	Namespaces []string `json:"namespaces"`
	// Pool is Hard or Soft; empty without nodes of its own.
	Pool v1alpha1.Isolation `json:"pool,omitempty"`
	// GPU is what it holds and may hold; absent if it may use no GPU.
	GPU *GPU `json:"gpu,omitempty"`
	// Quota is what all namespaces together hold of what spec.quota bounds.
	Quota []Share `json:"quota,omitempty"`
	// Conditions are those of the Tenant, in its order.
	Conditions []Condition `json:"conditions"`
}

// GPU is what a tenant holds and may hold.
type GPU struct {
	// Counted says since when the ledger counts; absent: it does not yet, and
	// nothing is admitted.
	Counted *metav1.Time `json:"counted,omitempty"`
	// Total is the whole tenant's, in units.
	Total Share `json:"total"`
	// Namespaces, by name, in units.
	Namespaces []Share `json:"namespaces"`
	// Resources, by name, in devices.
	Resources []Share `json:"resources"`
	// PerPod and PerContainer are the most that one may ask for, in units.
	PerPod       string `json:"perPod,omitempty"`
	PerContainer string `json:"perContainer,omitempty"`
	// Models that it may use; none: all.
	Models []string `json:"models,omitempty"`
	// Reservations are what was admitted and not seen yet, in order of admission.
	Reservations []Entry `json:"reservations"`
	// Largest are the largest holders, the largest first; Holders counts all.
	Largest []Entry `json:"largest"`
	Holders int     `json:"holders"`
}

// Share is how much of something is limited, used, reserved and free.
type Share struct {
	Name     string `json:"name,omitempty"`
	Limit    string `json:"limit,omitempty"`
	Used     string `json:"used,omitempty"`
	Reserved string `json:"reserved,omitempty"`
	Free     string `json:"free,omitempty"`
	// Over says that more is used and reserved than may be.
	Over bool `json:"over,omitempty"`
}

// Entry is a pod or claim that holds GPUs, or is about to.
type Entry struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Units     string `json:"units"`
	// Expires is about when a reservation lapses.
	Expires *metav1.Time `json:"expires,omitempty"`
	// FreeBy is when a holder that is being deleted should be gone.
	FreeBy *metav1.Time `json:"freeBy,omitempty"`
}

// Condition is a condition of a Tenant.
type Condition struct {
	Type    string                 `json:"type"`
	Status  metav1.ConditionStatus `json:"status"`
	Reason  string                 `json:"reason,omitempty"`
	Message string                 `json:"message,omitempty"`
}

// Describe describes a Tenant with its ledger, which is nil if there is none.
func Describe(t *v1alpha1.Tenant, ledger *v1alpha1.QuotaLedger) *Description {
	d := &Description{Name: t.Name, Namespaces: []string{}, Conditions: []Condition{}}
	for _, ns := range t.Status.Namespaces {
		d.Namespaces = append(d.Namespaces, ns.Name)
	}
	slices.Sort(d.Namespaces)
	if pool := t.Spec.NodePool; pool != nil {
		d.Pool = cmp.Or(pool.Isolation, v1alpha1.IsolationHard)
	}
	for _, c := range t.Status.Conditions {
		d.Conditions = append(d.Conditions, Condition{c.Type, c.Status, c.Reason, c.Message})
	}
	d.readiness(t)
	for _, name := range slices.Sorted(maps.Keys(t.Spec.Quota)) {
		limit := t.Spec.Quota[name]
		s := Share{Name: string(name), Limit: limit.String()}
		if used, ok := t.Status.Quota[name]; ok {
			s.Used, s.Over = used.String(), used.Cmp(limit) > 0
		}
		d.Quota = append(d.Quota, s)
	}
	if t.Spec.GPU != nil {
		d.GPU = describeGPU(t.Spec.GPU, d.Namespaces, ledger)
	}
	return d
}

// readiness reads the condition Ready.
func (d *Description) readiness(t *v1alpha1.Tenant) {
	ready := meta.FindStatusCondition(t.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		d.Reason, d.Message = "NotSeen", "usher-controller has not looked at it yet"
	case ready.Status != metav1.ConditionTrue:
		d.Reason, d.Message = ready.Reason, ready.Message
	default:
		d.Ready = true
	}
}

// Well reports whether the tenant is ready, counted and within its limits.
func (d *Description) Well() bool {
	if !d.Ready || slices.ContainsFunc(d.Quota, isOver) {
		return false
	}
	return d.GPU == nil || d.GPU.Counted != nil && !d.GPU.over()
}

func (g *GPU) over() bool {
	return g.Total.Over || slices.ContainsFunc(g.Namespaces, isOver) || slices.ContainsFunc(g.Resources, isOver)
}

func isOver(s Share) bool { return s.Over }
