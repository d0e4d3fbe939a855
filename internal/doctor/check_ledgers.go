package doctor

import (
	"time"

	"k8s.io/apimachinery/pkg/util/sets"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/holdings"
)

// lapsedLong is how long after its time a reservation may still stand: a leader
// that is replaced begins to wait anew.
const lapsedLong = 10 * time.Minute

var checkLedgers = &Check{
	ID:    "ledgers",
	Title: "ledgers are counted, within their limits, and settled",
	Why: "Until a ledger is counted, its tenant gets no GPU. One that is over its limit admits nothing, and reservations that do not " +
		"lapse take GPUs away from a tenant for nobody.",
	Needs: []Kind{kindTenants},
	Reads: []Kind{kindLedgers},
	run: func(s *Snapshot) (found []Finding) {
		tenants := sets.New[string]()
		for _, t := range s.Tenants {
			tenants.Insert(t.Name)
			if !s.Live && len(t.Status.Conditions) == 0 {
				continue
			}
			found = append(found, s.ledgerFindings(t, find(s.Ledgers, "", t.Name))...)
		}
		for _, l := range s.Ledgers {
			if !tenants.Has(l.Name) {
				found = append(found, warningOf(objectOf("QuotaLedger", l), "delete it, if no Tenant of that name is to come", "there is no Tenant %s", l.Name))
			}
		}
		return found
	},
}

func (s *Snapshot) ledgerFindings(t *v1alpha1.Tenant, l *v1alpha1.QuotaLedger) (found []Finding) {
	object := Object{"QuotaLedger", "", t.Name}
	leads := "see whether usher-controller leads, and its log"
	if t.Spec.GPU == nil || !accepted(t) {
		return nil
	}
	if l == nil || l.Status.Counted == nil {
		if s.Now.Sub(t.CreationTimestamp.Time) < settling || l != nil && s.Now.Sub(l.CreationTimestamp.Time) < settling {
			return nil
		}
		return []Finding{errorOf(object, leads, "what lives has not been counted: tenant %s gets no GPU", t.Name)}
	}
	d := holdings.Describe(t, l)
	for _, share := range append(append([]holdings.Share{d.GPU.Total}, d.GPU.Namespaces...), d.GPU.Resources...) {
		if share.Over {
			of := ""
			if share.Name != "" {
				of = " of " + share.Name
			}
			found = append(found, warningOf(object, "raise the limit in spec.gpu of Tenant "+t.Name+", or end pods: nothing is taken away by itself, and nothing is admitted",
				"more%s is held than may be: %s used and %s reserved of %s", of, share.Used, share.Reserved, share.Limit))
		}
	}
	late := 0
	for i := range l.Status.Reservations {
		if e := l.Status.Reservations[i].Expires; e != nil && s.Now.Sub(e.Time) > lapsedLong {
			late++
		}
	}
	if late > 0 {
		found = append(found, errorOf(object, leads, "%s should have lapsed more than %s ago: what they reserve is lost to the tenant", plural(late, "reservation", "reservations"), ago(lapsedLong)))
	}
	return found
}

func accepted(t *v1alpha1.Tenant) bool {
	for _, c := range t.Status.Conditions {
		if c.Type == v1alpha1.ConditionAccepted {
			return c.Status != "False"
		}
	}
	return true
}
