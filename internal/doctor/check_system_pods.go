package doctor

import (
	"context"
	"slices"

	"usher.dev/usher/internal/doctor/webhooks"
)

var checkSystemPods = &Check{
	ID:    "system-pods",
	Title: "what runs in kube-system waits for no webhook",
	Why:   "While the webhook is away, DNS, metrics and storage of the whole cluster cannot be started again or moved to another node.",
	Needs: []Kind{kindValidating},
	Reads: []Kind{kindMutating, kindServices, kindDeployments, kindDaemonSets, kindStatefulSets, kindNamespaces},
	run: func(s *Snapshot) (found []Finding) {
		matcher := webhooks.NewMatcher(s.Namespaces)
		for _, h := range s.hooks() {
			service := s.serviceOf(h)
			if !h.Fails || service == nil {
				continue
			}
			var waiting []string
			for _, w := range s.workloads() {
				if w.Namespace != "kube-system" || service.Namespace == w.Namespace && w.runsWith(service.Spec.Selector) {
					continue
				}
				needs := w.podNeeds()
				if slices.ContainsFunc(needs, func(n need) bool {
					asked, err := matcher.Asked(context.Background(), h, &n.request)
					return asked || err != nil
				}) {
					waiting = append(waiting, w.String())
				}
			}
			if len(waiting) > 0 {
				found = append(found, warningOf(hookObject(h), "exempt kube-system by the namespaceSelector of "+h.Name+" (kubernetes.io/metadata.name NotIn [kube-system])",
					"webhook %s is asked before %s can start: %s", h.Name, plural(len(waiting), "workload of kube-system", "workloads of kube-system"), some(waiting)))
			}
		}
		return found
	},
}
