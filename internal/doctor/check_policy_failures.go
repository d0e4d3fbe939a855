package doctor

import (
	"maps"
	"slices"
)

var checkPolicyFailures = &Check{
	ID:    "policy-failures",
	Title: "policies give verdicts",
	Why: "An evaluation that gives no verdict, by an error or for want of time, counts as a denial where the policy enforces: tenants are " +
		"refused what they may have.",
	Needs: []Kind{kindAnswers},
	Live:  true,
	run: func(s *Snapshot) (found []Finding) {
		pods := map[string][]string{}
		for i := range s.Answers {
			for _, policy := range s.Answers[i].labels(metricFailures, "policy") {
				pods[policy] = append(pods[policy], s.Answers[i].Pod)
			}
		}
		for _, policy := range slices.Sorted(maps.Keys(pods)) {
			found = append(found, warningOf(Object{"Deployment", s.Namespace, webhookName}, "see \"policy gave no verdict\" in the logs, and the metric "+metricFailures+" over time: it counts since a replica was started",
				"policy %s has given no verdict in %s", policy, some(pods[policy])))
		}
		return found
	},
}
