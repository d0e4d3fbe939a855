package doctor

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

var tenantFaults = map[string][]fault{
	"tenants-ready": {
		{name: "not accepted, not seen, not ready, behind", plant: func(_ *testing.T, s *Snapshot) {
			refused, unseen, unready, behind := tenant("b"), tenant("c"), tenant("d"), tenant("e")
			refused.Status.Conditions[0] = metav1.Condition{Type: v1alpha1.ConditionAccepted, Status: metav1.ConditionFalse, Reason: "NamespaceConflict", Message: "a has it"}
			unseen.Status.Conditions = nil
			unready.Status.Conditions[1] = metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: "Forbidden", Message: "no right"}
			behind.Generation, behind.Status.Conditions[1].ObservedGeneration = 3, 2
			s.Tenants = append(s.Tenants, refused, unseen, unready, behind)
		}, want: []string{
			"error Tenant b: it is not accepted and grants nothing: NamespaceConflict: a has it",
			"error Tenant c: usher-controller has not looked at it yet, and it is 60 minutes old",
			"error Tenant d: it is not ready: Forbidden: no right",
			"warning Tenant e: its status speaks of an older spec (generation 2 of 3)",
		}},
		{name: "new ones are waited for", plant: func(_ *testing.T, s *Snapshot) {
			young := tenant("b")
			young.CreationTimestamp.Time, young.Status.Conditions = now.Add(-time.Minute), nil
			s.Tenants = append(s.Tenants, young)
		}},
	},
	"ledgers": {
		{name: "not counted, over, late, of nobody", plant: func(_ *testing.T, s *Snapshot) {
			l := s.Ledgers[0]
			l.Spec.Hard.MicroUnits = new(int64(500_000))
			l.Status.Reservations = []v1alpha1.LedgerEntry{
				{Kind: v1alpha1.KindPod, Namespace: "team-a", Name: "x", MicroUnits: 1_000_000, Expires: &metav1.Time{Time: now.Add(-time.Hour)}},
				{Kind: v1alpha1.KindPod, Namespace: "team-a", Name: "y", MicroUnits: 1_000_000, Expires: &metav1.Time{Time: now.Add(time.Minute)}},
			}
			nobodys := l.DeepCopy()
			nobodys.Name = "gone"
			s.Ledgers = append(s.Ledgers, nobodys)
			s.Tenants = append(s.Tenants, tenant("uncounted"))
		}, want: []string{
			"warning QuotaLedger research: more is held than may be: 1 used and 2 reserved of 0.5",
			"error QuotaLedger research: 1 reservation should have lapsed more than 10 minutes ago: …",
			"error QuotaLedger uncounted: what lives has not been counted: tenant uncounted gets no GPU",
			"warning QuotaLedger gone: there is no Tenant gone",
		}},
		{name: "a tenant without GPUs needs none", plant: func(_ *testing.T, s *Snapshot) {
			s.Tenants[0].Spec.GPU = nil
		}},
	},
	"gpus-outside-tenants": {
		{name: "no tenant, and one that is gone", plant: func(_ *testing.T, s *Snapshot) {
			gone := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "was", Labels: map[string]string{"tenant": "gone"}}}
			s.Namespaces = append(s.Namespaces, gone)
			ended := gpuPod("tools", "ended")
			ended.Status.Phase = corev1.PodSucceeded
			s.Pods = append(s.Pods, gpuPod("tools", "burn"), gpuPod("was", "left"), gpuPod("kube-system", "plugin"), ended)
		}, want: []string{
			"error Namespace tools: it belongs to no tenant, and 1 pod holds GPUs in spite of it: burn",
			"error Namespace was: its tenant gone is not there, and 1 pod holds GPUs in spite of it: left",
		}},
	},
	"tenant-rights": {{name: "two of one owner, one of another", plant: func(_ *testing.T, s *Snapshot) {
		ada, ci := v1alpha1.Owner{Kind: v1alpha1.OwnerUser, Name: "ada"}, v1alpha1.Owner{Kind: v1alpha1.OwnerServiceAccount, Namespace: "ci", Name: "bot"}
		s.Rights = []Right{{"research", ci, "change Tenants"}, {"research", ada, "change Tenants"}, {"research", ada, "delete QuotaLedgers"}}
	}, want: []string{
		"error Tenant research: its owner ServiceAccount ci/bot may change Tenants",
		"error Tenant research: its owner User ada may change Tenants, delete QuotaLedgers",
	}}},
}
