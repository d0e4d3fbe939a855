package doctor

import (
	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

var checkDisruption = &Check{
	ID:    "disruption-budget",
	Title: "a drain takes neither the last replica nor forever",
	Why: "Without a PodDisruptionBudget a drain of two nodes at once takes every replica. One that allows no disruption, or that " +
		"guards pods that are not ready, makes drains hang.",
	Needs: []Kind{kindDeployments},
	Reads: []Kind{kindBudgets},
	run: func(s *Snapshot) (found []Finding) {
		for _, part := range serving {
			if d := s.deployment(part.name); d != nil {
				found = append(found, s.budgetFindings(d, part.without)...)
			}
		}
		return found
	},
}

func (s *Snapshot) budgetFindings(d *appsv1.Deployment, without string) (found []Finding) {
	guarded := false
	for _, b := range s.Budgets {
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if b.Namespace != d.Namespace || err != nil || !selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			continue
		}
		guarded = true
		object, wants := objectOf("PodDisruptionBudget", b), int(ptr.Deref(d.Spec.Replicas, 1))
		switch stay := staying(b, wants); {
		case wants > 0 && stay >= wants:
			found = append(found, warningOf(object, "set minAvailable: 1, or more replicas", "it wants every replica of Deployment %s to stay: drains of their nodes never end", d.Name))
		case stay <= 0:
			found = append(found, warningOf(object, "set minAvailable: 1", "it lets a drain take every replica of Deployment %s: %s then", d.Name, without))
		}
		if ptr.Deref(b.Spec.UnhealthyPodEvictionPolicy, policyv1.IfHealthyBudget) != policyv1.AlwaysAllow {
			found = append(found, warningOf(object, "set unhealthyPodEvictionPolicy: AlwaysAllow", "it also guards pods that are not ready, which serve nobody: drains of their nodes hang"))
		}
	}
	// Of one replica a budget would only hold up drains; replicas says it.
	if !guarded && ptr.Deref(d.Spec.Replicas, 1) > 1 {
		found = append(found, warningOf(objectOf("Deployment", d), "apply the PodDisruptionBudget of usher's manifests (minAvailable: 1)", "no PodDisruptionBudget guards it: drains may take every replica, and %s", without))
	}
	return found
}

// staying is how many replicas a budget keeps.
func staying(b *policyv1.PodDisruptionBudget, replicas int) int {
	if b.Spec.MinAvailable != nil {
		n, err := intstr.GetScaledValueFromIntOrPercent(b.Spec.MinAvailable, replicas, true)
		if err != nil {
			return 0
		}
		return n
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(b.Spec.MaxUnavailable, replicas, true)
	if err != nil {
		return 0
	}
	return replicas - n
}
