package doctor

import "strings"

var checkReadiness = &Check{
	ID:    "readiness",
	Title: "every replica says that it is ready",
	Why:   "A replica says itself what it waits for: watches that are not in sync or have fallen silent, a ledger that cannot be reached, a lease.",
	Needs: []Kind{kindAnswers},
	Live:  true,
	run: func(s *Snapshot) (found []Finding) {
		for i := range s.Answers {
			a := &s.Answers[i]
			object := Object{"Pod", s.Namespace, a.Pod}
			switch {
			case a.Failure != "":
				found = append(found, warningOf(object, "see whether the pod runs, and whether a NetworkPolicy keeps the API server from its port \"probes\"", "it does not answer: %s", a.Failure))
			case !a.Ready:
				reason, _, _ := strings.Cut(a.Detail, "\n")
				found = append(found, errorOf(object, "see its log; where watches are silent, see whether the API server answers its service account", "it is not ready: %s", reason))
			}
		}
		return found
	},
}
