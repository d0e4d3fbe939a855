// Package webhooks tells which admission webhooks an API server asks about a
// request, by the API server's own matching of rules, selectors and conditions.
package webhooks

import (
	"cmp"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission/plugin/webhook"
	"k8s.io/utils/ptr"
)

// Kinds of configurations.
const (
	KindMutating   = "MutatingWebhookConfiguration"
	KindValidating = "ValidatingWebhookConfiguration"
)

// Hook is one webhook of a configuration, with the API server's defaults.
type Hook struct {
	// Kind and Configuration name the configuration that it stands in.
	Kind, Configuration string
	// Annotations are those of the configuration.
	Annotations map[string]string
	// Name is the webhook's own.
	Name   string
	Client admissionregistrationv1.WebhookClientConfig
	// Fails says that a request fails where the webhook does not answer.
	Fails bool
	// TimeoutSeconds is how long the API server waits for an answer.
	TimeoutSeconds int32
	MatchPolicy    admissionregistrationv1.MatchPolicyType
	SideEffects    admissionregistrationv1.SideEffectClass
	// Reinvocation is that of a mutating webhook.
	Reinvocation admissionregistrationv1.ReinvocationPolicyType
	Rules        []admissionregistrationv1.RuleWithOperations
	// Namespaces selects by the labels of a request's namespace.
	Namespaces *metav1.LabelSelector

	accessor webhook.WebhookAccessor
}

// Path is where the webhook is asked, "" for the root.
func (h *Hook) Path() string {
	if h.Client.Service == nil {
		return ""
	}
	return ptr.Deref(h.Client.Service.Path, "")
}

// Of returns the webhooks of configurations, the mutating ones first, as the API
// server asks them: by the names of the configurations.
func Of(mutating []*admissionregistrationv1.MutatingWebhookConfiguration, validating []*admissionregistrationv1.ValidatingWebhookConfiguration) []*Hook {
	var mutators, validators []*Hook
	for _, c := range mutating {
		for i := range c.Webhooks {
			w := c.Webhooks[i].DeepCopy()
			w.MatchConditions = slices.Clone(w.MatchConditions)
			defaults(&w.FailurePolicy, &w.MatchPolicy, &w.TimeoutSeconds, &w.NamespaceSelector, &w.ObjectSelector, w.Rules)
			mutators = append(mutators, hookOf(KindMutating, c.ObjectMeta, webhook.NewMutatingWebhookAccessor("", c.Name, w),
				ptr.Deref(w.ReinvocationPolicy, admissionregistrationv1.NeverReinvocationPolicy)))
		}
	}
	for _, c := range validating {
		for i := range c.Webhooks {
			w := c.Webhooks[i].DeepCopy()
			defaults(&w.FailurePolicy, &w.MatchPolicy, &w.TimeoutSeconds, &w.NamespaceSelector, &w.ObjectSelector, w.Rules)
			validators = append(validators, hookOf(KindValidating, c.ObjectMeta, webhook.NewValidatingWebhookAccessor("", c.Name, w), ""))
		}
	}
	byConfiguration := func(a, b *Hook) int { return cmp.Compare(a.Configuration, b.Configuration) }
	slices.SortStableFunc(mutators, byConfiguration)
	slices.SortStableFunc(validators, byConfiguration)
	return append(mutators, validators...)
}

// defaults are those of admissionregistration.k8s.io/v1.
func defaults(
	failure **admissionregistrationv1.FailurePolicyType, match **admissionregistrationv1.MatchPolicyType, timeout **int32,
	namespaces, objects **metav1.LabelSelector, rules []admissionregistrationv1.RuleWithOperations,
) {
	*failure = cmp.Or(*failure, ptr.To(admissionregistrationv1.Fail))
	*match = cmp.Or(*match, ptr.To(admissionregistrationv1.Equivalent))
	*timeout = cmp.Or(*timeout, ptr.To[int32](10))
	*namespaces = cmp.Or(*namespaces, &metav1.LabelSelector{})
	*objects = cmp.Or(*objects, &metav1.LabelSelector{})
	for i := range rules {
		rules[i].Scope = cmp.Or(rules[i].Scope, ptr.To(admissionregistrationv1.AllScopes))
	}
}

func hookOf(kind string, meta metav1.ObjectMeta, a webhook.WebhookAccessor, reinvocation admissionregistrationv1.ReinvocationPolicyType) *Hook {
	return &Hook{
		Kind: kind, Configuration: meta.Name, Annotations: meta.Annotations, Name: a.GetName(), Client: a.GetClientConfig(),
		Fails:          *a.GetFailurePolicy() == admissionregistrationv1.Fail,
		TimeoutSeconds: *a.GetTimeoutSeconds(), MatchPolicy: *a.GetMatchPolicy(),
		SideEffects: ptr.Deref(a.GetSideEffects(), ""), Reinvocation: reinvocation,
		Rules: a.GetRules(), Namespaces: a.GetNamespaceSelector(),
		accessor: a,
	}
}
