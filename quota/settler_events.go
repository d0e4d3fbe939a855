package quota

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/api/v1alpha1"
)

// event tells those who look at the Tenant.
func (r *round) event(kind, reason, note string, args ...any) {
	r.settler.events.Eventf(r.tenant, nil, kind, reason, "Settle", note, args...)
}

// tell tells of reservations that came to nothing.
func (r *round) tell(result *settlement) {
	if len(result.expired) == 0 {
		return
	}
	r.settler.metrics.expiries.Add(float64(len(result.expired)))
	const most = 5
	var names []string
	for i := range result.expired[:min(len(result.expired), most)] {
		e := &result.expired[i]
		names = append(names, fmt.Sprintf("%s %s/%s", e.Kind, e.Namespace, e.Name))
	}
	if more := len(result.expired) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	r.event(corev1.EventTypeNormal, "ReservationExpired", "%s GPUs were reserved for %s, which did not come within %s; they are free again",
		Units(sumOf(result.expired).units), strings.Join(names, ", "), r.settler.options.TTL)
}

// judge tells when a tenant comes to hold more than it may, or than its ledger.
func (r *round) judge(ledger *v1alpha1.QuotaLedger, full error) {
	over := excess(&ledger.Spec.Hard, &ledger.Status)
	if over != "" && !r.memory.over {
		r.event(corev1.EventTypeWarning, "OverLimit", "the tenant is above its limit: %s; nothing is taken from it, and nothing more is admitted until it holds less", over)
	}
	if full != nil && !r.memory.full {
		r.event(corev1.EventTypeWarning, "LedgerFull", "no GPU is admitted until there is room: %s", full)
	}
	r.memory.over, r.memory.full = over != "", full != nil
}
