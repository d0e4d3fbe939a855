package doctor

import (
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"
)

const ledgerWriters = "usher-ledger-writers"

var checkLedgerWriters = &Check{
	ID:    "ledger-writers",
	Title: "only usher writes ledgers, by the API server's own word",
	Why:   "A ledger is as good as who may write it: without this ValidatingAdmissionPolicy anybody whom RBAC lets may write what a tenant holds.",
	Reads: []Kind{kindPolicies, kindBindings},
	run: func(s *Snapshot) (found []Finding) {
		if !s.installsUsher() {
			return nil
		}
		object, apply := Object{"ValidatingAdmissionPolicy", "", ledgerWriters}, "apply usher's manifests of this release"
		policy := find(s.Policies, "", ledgerWriters)
		if policy == nil {
			return []Finding{errorOf(object, apply, "it is not there: whoever RBAC lets may write ledgers")}
		}
		want := find(s.wanted().Policies, "", ledgerWriters)
		switch {
		case ptr.Deref(policy.Spec.FailurePolicy, admissionregistrationv1.Fail) != admissionregistrationv1.Fail:
			found = append(found, errorOf(object, "set failurePolicy: Fail", "its failurePolicy is Ignore: what it cannot decide is written"))
		case want != nil && !equality.Semantic.DeepEqual(expressions(policy), expressions(want)):
			found = append(found, errorOf(object, apply+"; both service accounts are named in it with the namespace "+s.Namespace, "its variables and validations are not those of this release for namespace %s", s.Namespace))
		}
		bound := slices.ContainsFunc(s.Bindings, func(b *admissionregistrationv1.ValidatingAdmissionPolicyBinding) bool {
			return b.Spec.PolicyName == ledgerWriters && b.Spec.MatchResources == nil && slices.Contains(b.Spec.ValidationActions, admissionregistrationv1.Deny)
		})
		if !bound {
			found = append(found, errorOf(Object{"ValidatingAdmissionPolicyBinding", "", ledgerWriters}, apply, "no binding of the policy denies: it refuses nothing"))
		}
		return found
	},
}

// expressions are what a policy decides by, the messages left out.
func expressions(p *admissionregistrationv1.ValidatingAdmissionPolicy) (all []string) {
	for _, v := range p.Spec.Variables {
		all = append(all, v.Name+" = "+v.Expression)
	}
	for _, v := range p.Spec.Validations {
		all = append(all, v.Expression)
	}
	return all
}
