package doctor

import (
	"slices"

	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

var checkFlow = &Check{
	ID:    "flow-schema",
	Title: "usher has seats of its own in the API server",
	Why: "A pod that is created keeps a seat while it waits for usher, and usher needs one to read the tenant's ledger. From the " +
		"same seats, a burst of pods takes them all, and everyone waits for each other.",
	Needs: []Kind{kindDeployments},
	Reads: []Kind{kindFlowSchemas},
	run: func(s *Snapshot) []Finding {
		if s.deployment(webhookName) == nil || slices.ContainsFunc(s.FlowSchemas, s.seatsUsher) {
			return nil
		}
		return []Finding{warningOf(Object{"FlowSchema", "", "usher"}, "apply usher's manifests: base/flowcontrol.yaml",
			"no FlowSchema before service-accounts names the service account %s/%s", s.Namespace, webhookName)}
	},
}

// seatsUsher reports whether a FlowSchema sorts the webhook's requests out before
// those of all service accounts (9000).
func (s *Snapshot) seatsUsher(f *flowcontrolv1.FlowSchema) bool {
	return f.Spec.MatchingPrecedence < 9000 && slices.ContainsFunc(f.Spec.Rules, func(r flowcontrolv1.PolicyRulesWithSubjects) bool {
		return slices.ContainsFunc(r.Subjects, func(subject flowcontrolv1.Subject) bool {
			return string(subject.Kind) == rbacv1.ServiceAccountKind && subject.ServiceAccount != nil &&
				subject.ServiceAccount.Namespace == s.Namespace && subject.ServiceAccount.Name == webhookName
		})
	})
}
