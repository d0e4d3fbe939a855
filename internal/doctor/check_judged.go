package doctor

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/admission"

	"usher.dev/usher/internal/doctor/webhooks"
)

var checkJudged = &Check{
	ID:    "namespace-judged",
	Title: "pods of every tenant's namespace are judged",
	Why: "Where a selector, a condition or exemptNamespaces leaves a tenant's namespace out, its pods are bound by no policy and no quota, " +
		"and their GPUs are not reserved.",
	Needs: []Kind{kindValidating, kindNamespaces},
	Reads: []Kind{kindMutating, kindConfigMaps, kindDeployments},
	run: func(s *Snapshot) (found []Finding) {
		cfg := s.configurationOrDefault()
		matcher := webhooks.NewMatcher(s.Namespaces)
		for _, ns := range s.Namespaces {
			tenant := ns.Labels[cfg.TenantLabel]
			if tenant == "" {
				continue
			}
			for _, kind := range []string{webhooks.KindMutating, webhooks.KindValidating} {
				if s.registered(kind) && !s.asksAbout(matcher, kind, ns) {
					found = append(found, errorOf(objectOf("Namespace", ns), "take "+ns.Name+" out of what the namespaceSelector and the match conditions of usher's webhooks leave out",
						"it belongs to tenant %q, but no webhook of %s %s is asked about its pods", tenant, kind, webhookName))
				}
			}
			if slices.Contains(cfg.ExemptNamespaces, ns.Name) {
				found = append(found, errorOf(objectOf("Namespace", ns), "take "+ns.Name+" out of exemptNamespaces, or the tenant label off the namespace",
					"it belongs to tenant %q, but usher's configuration exempts it", tenant))
			}
		}
		return found
	},
}

// asksAbout reports whether one of usher's webhooks is asked about a new pod.
func (s *Snapshot) asksAbout(matcher *webhooks.Matcher, kind string, ns *corev1.Namespace) bool {
	r := create("", "usher:doctor", []string{"system:authenticated"}, core, "Pod", "pods", ns.Name, "probe", nil).request
	r.Operation = admission.Create
	return slices.ContainsFunc(s.ushersHooks(), func(h *webhooks.Hook) bool {
		asked, err := matcher.Asked(context.Background(), h, &r)
		return h.Kind == kind && (asked || err != nil)
	})
}
