package doctor

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"usher.dev/usher/internal/doctor/webhooks"
)

const (
	// minTimeout leaves a replica the time to evaluate every policy on a busy machine.
	minTimeout = 2
	// maxTimeout keeps what waits for a dead replica below the 30 s and more after
	// which clients of the API server give up.
	maxTimeout = 10
)

var checkSettings = &Check{
	ID:    "webhook-settings",
	Title: "usher's webhooks fail closed, in time, and for every version of a kind",
	Why: "With failurePolicy Ignore everything passes unjudged while usher is away. A long time-out makes every request hang " +
		"for that long when a replica dies; one that is too short refuses what usher would admit.",
	Needs: []Kind{kindValidating},
	Reads: []Kind{kindMutating},
	run: func(s *Snapshot) (found []Finding) {
		for _, h := range s.ushersHooks() {
			for _, f := range settingFindings(h) {
				f.Object = hookObject(h)
				found = append(found, f)
			}
		}
		return found
	},
}

func settingFindings(h *webhooks.Hook) (found []Finding) {
	if !h.Fails {
		found = append(found, errorOf(Object{}, "set failurePolicy: Fail", "webhook %s has failurePolicy Ignore: what it is asked about is admitted unjudged while no replica answers", h.Name))
	}
	switch {
	case h.TimeoutSeconds > maxTimeout:
		found = append(found, warningOf(Object{}, "set timeoutSeconds: 5", "webhook %s has timeoutSeconds %d: requests hang for so long when a replica does not answer", h.Name, h.TimeoutSeconds))
	case h.TimeoutSeconds < minTimeout:
		found = append(found, warningOf(Object{}, "set timeoutSeconds: 5", "webhook %s has timeoutSeconds %d: a busy replica has no time to judge, and the request is refused", h.Name, h.TimeoutSeconds))
	}
	if h.MatchPolicy != admissionregistrationv1.Equivalent {
		found = append(found, errorOf(Object{}, "set matchPolicy: Equivalent", "webhook %s has matchPolicy %s: whoever uses another version of a kind is not judged", h.Name, h.MatchPolicy))
	}
	if h.Kind == webhooks.KindMutating && h.Reinvocation != admissionregistrationv1.IfNeededReinvocationPolicy {
		found = append(found, warningOf(Object{}, "set reinvocationPolicy: IfNeeded", "webhook %s is not asked again when a later webhook changes a pod: a container that is injected gets no defaults, and is refused", h.Name))
	}
	if h.SideEffects == admissionregistrationv1.SideEffectClassNone {
		found = append(found, errorOf(Object{}, "set sideEffects: NoneOnDryRun", "webhook %s is said to have no side effects, but usher reserves GPUs in ledgers", h.Name))
	}
	return found
}
