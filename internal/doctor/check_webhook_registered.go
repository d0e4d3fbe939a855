package doctor

import (
	"fmt"

	"usher.dev/usher/internal/doctor/webhooks"
)

var checkRegistered = &Check{
	ID:    "webhook-registered",
	Title: "usher's webhooks are registered, and something answers for every webhook",
	Why: "Without its configurations nothing is judged. A webhook whose Service is gone or has no endpoint fails every request " +
		"that it is asked about, or lets it pass unjudged.",
	Reads: []Kind{kindMutating, kindValidating, kindServices, kindSlices},
	run: func(s *Snapshot) (found []Finding) {
		if s.installsUsher() && find(s.Mutating, "", webhookName) == nil {
			found = append(found, errorOf(Object{webhooks.KindMutating, "", webhookName}, "apply usher's manifests", "it is not there: pods get no defaults, no pool and no reservation, and no GPU is admitted"))
		}
		if s.installsUsher() && find(s.Validating, "", webhookName) == nil {
			found = append(found, errorOf(Object{webhooks.KindValidating, "", webhookName}, "apply usher's manifests", "it is not there: nothing is judged"))
		}
		for _, h := range s.hooks() {
			if f := backendFinding(s, h); f != nil {
				if !h.Fails && !isUshers(h) {
					f.Severity = Warning
				}
				found = append(found, *f)
			}
		}
		return merged(found)
	},
}

// backendFinding says why nothing answers for a webhook, nil if something may.
func backendFinding(s *Snapshot, h *webhooks.Hook) *Finding {
	to := h.Client.Service
	if to == nil || !s.Live && len(s.Services) == 0 {
		return nil
	}
	consequence := "every request that webhook " + h.Name + " is asked about is refused"
	if !h.Fails {
		consequence = "every request that webhook " + h.Name + " is asked about passes unjudged"
	}
	service := find(s.Services, to.Namespace, to.Name)
	if service == nil {
		if !s.Live && !isUshers(h) {
			return nil
		}
		f := errorOf(hookObject(h), fmt.Sprintf("install what serves it, or delete the configuration %s", h.Configuration),
			"Service %s/%s is not there: %s", to.Namespace, to.Name, consequence)
		return &f
	}
	if !s.Live {
		return nil
	}
	ready := 0
	for _, slice := range s.Slices {
		if slice.Namespace != to.Namespace || slice.Labels["kubernetes.io/service-name"] != to.Name {
			continue
		}
		for i := range slice.Endpoints {
			if r := slice.Endpoints[i].Conditions.Ready; r == nil || *r {
				ready++
			}
		}
	}
	if ready == 0 {
		f := errorOf(hookObject(h), fmt.Sprintf("see `kubectl -n %s get pods,endpointslices`; to open the cluster meanwhile, delete the configuration", to.Namespace),
			"Service %s/%s has no ready endpoint: %s", to.Namespace, to.Name, consequence)
		return &f
	}
	return nil
}
