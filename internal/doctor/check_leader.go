package doctor

import (
	"time"

	"k8s.io/utils/ptr"
)

var checkLeader = &Check{
	ID:    "controller-leader",
	Title: "one usher-controller leads",
	Why: "While none leads, Tenants are not made true, what pods free stays counted, and reservations do not lapse: tenants are " +
		"refused what they could have.",
	Needs: []Kind{kindLeases},
	Reads: []Kind{kindDeployments},
	Live:  true,
	run: func(s *Snapshot) []Finding {
		object := Object{"Lease", s.Namespace, controllerName}
		advice := "see whether pods of usher-controller run, and their log; its Role must let it get and update this Lease"
		if s.deployment(controllerName) == nil {
			return nil // replicas says it
		}
		lease := find(s.Leases, s.Namespace, controllerName)
		switch {
		case lease == nil:
			return []Finding{errorOf(object, advice, "it is not there: no usher-controller has ever led")}
		case ptr.Deref(lease.Spec.HolderIdentity, "") == "":
			return []Finding{errorOf(object, advice, "nobody holds it: no usher-controller leads")}
		case lease.Spec.RenewTime == nil:
			return []Finding{errorOf(object, advice, "it was never renewed: no usher-controller leads")}
		}
		// Twice its duration, so that a clock that is off by a little says nothing.
		lasts := 2 * time.Duration(ptr.Deref(lease.Spec.LeaseDurationSeconds, 15)) * time.Second
		if age := s.Now.Sub(lease.Spec.RenewTime.Time); age > lasts {
			return []Finding{errorOf(object, advice, "%s last renewed it %s ago: no usher-controller leads", *lease.Spec.HolderIdentity, ago(age))}
		}
		return nil
	},
}
