package doctor

import (
	"time"

	"usher.dev/usher/internal/cluster"
)

var checkStaleWatch = &Check{
	ID:    "stale-watch",
	Title: "every replica hears of changes",
	Why: "A replica whose watch is silent judges by what was: a new Tenant, a changed limit or a namespace's label is not in force. " +
		"It is not ready after four minutes; this finds it at half of that.",
	Needs: []Kind{kindAnswers},
	Live:  true,
	run: func(s *Snapshot) (found []Finding) {
		for i := range s.Answers {
			a := &s.Answers[i]
			if a.App != webhookName {
				continue
			}
			for _, resource := range []string{"namespaces", "tenants"} {
				heard := a.gauge(metricHeard, "resource", resource)
				if heard == nil {
					continue
				}
				object := Object{"Pod", s.Namespace, a.Pod}
				advice := "see the log of the pod and of the API server; a restart of the pod begins the watch anew"
				if *heard == 0 {
					found = append(found, errorOf(object, advice, "it has never heard of %s", resource))
					continue
				}
				silence := s.Now.Sub(time.UnixMilli(int64(*heard * 1000)))
				switch {
				case silence > cluster.Patience:
					found = append(found, errorOf(object, advice, "its watch on %s has been silent for %s: what it judges by may be old", resource, ago(silence)))
				case silence > cluster.Patience/2:
					found = append(found, warningOf(object, advice, "its watch on %s has been silent for %s", resource, ago(silence)))
				}
			}
		}
		return found
	},
}
