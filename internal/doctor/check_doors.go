package doctor

import (
	"strings"

	"usher.dev/usher/internal/doctor/webhooks"
)

var checkDoors = &Check{
	ID:    "webhook-doors",
	Title: "usher is asked at every door that it knows",
	Why: "A resource or an operation that no rule names, or that a selector or a condition leaves out, is a way round every " +
		"policy: ephemeral containers, pods/resize, bindings, pod templates, claims of devices.",
	Needs: []Kind{kindValidating},
	Reads: []Kind{kindMutating, kindConfigMaps, kindDeployments},
	run: func(s *Snapshot) (found []Finding) {
		label := s.configurationOrDefault().TenantLabel
		want := webhooks.Of(s.wanted().Mutating, tenantKey(s.wanted().Validating, label))
		open := openDoors(want, s.ushersHooks(), label)
		for _, kind := range []string{webhooks.KindMutating, webhooks.KindValidating} {
			if len(open[kind]) == 0 || !s.registered(kind) {
				continue // that there is none, webhook-registered says
			}
			found = append(found, errorOf(Object{kind, "", webhookName},
				"apply the configuration of this release of usher (`usher version`), and compare its rules, selectors and matchConditions with yours",
				"usher is not asked about %s, which this release judges: %s", plural(len(open[kind]), "way in", "ways in"), strings.Join(open[kind], ", ")))
		}
		return found
	},
}

// registered reports whether usher's configuration of a kind is there.
func (s *Snapshot) registered(kind string) bool {
	for _, h := range s.ushersHooks() {
		if h.Kind == kind {
			return true
		}
	}
	return false
}
