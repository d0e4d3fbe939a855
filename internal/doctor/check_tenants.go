package doctor

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

// settling is how long usher-controller may take for what has just been made.
const settling = 2 * time.Minute

var checkTenants = &Check{
	ID:    "tenants-ready",
	Title: "Tenants are accepted and as their spec says",
	Why:   "A Tenant that is not accepted grants nothing. One that is not Ready lacks quotas, network policies or bindings that it should have.",
	Needs: []Kind{kindTenants},
	run: func(s *Snapshot) (found []Finding) {
		for _, t := range s.Tenants {
			if !s.Live && len(t.Status.Conditions) == 0 {
				continue // what is to be applied
			}
			object := objectOf("Tenant", t)
			conditions := t.Status.Conditions
			accepted, ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionAccepted), meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
			young := s.Now.Sub(t.CreationTimestamp.Time) < settling
			switch {
			case accepted != nil && accepted.Status == metav1.ConditionFalse:
				found = append(found, errorOf(object, "change what both claim; the older Tenant keeps it", "it is not accepted and grants nothing: %s: %s", accepted.Reason, accepted.Message))
			case (ready == nil || accepted == nil) && !young:
				found = append(found, errorOf(object, "see whether usher-controller leads, and its log", "usher-controller has not looked at it yet, and it is %s old", ago(s.Now.Sub(t.CreationTimestamp.Time))))
			case ready != nil && ready.Status != metav1.ConditionTrue && s.Now.Sub(ready.LastTransitionTime.Time) > settling:
				found = append(found, errorOf(object, "see `kubectl describe tenant "+t.Name+"`", "it is not ready: %s: %s", ready.Reason, ready.Message))
			case ready != nil && ready.ObservedGeneration != 0 && ready.ObservedGeneration < t.Generation && !young:
				found = append(found, warningOf(object, "see whether usher-controller leads, and its log", "its status speaks of an older spec (generation %d of %d)", ready.ObservedGeneration, t.Generation))
			}
		}
		return found
	},
}
