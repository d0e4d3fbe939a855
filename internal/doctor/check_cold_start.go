package doctor

import (
	"slices"
	"strings"
)

var checkColdStart = &Check{
	ID:    "cold-start",
	Title: "no webhook must be asked before it can run",
	Why: "A webhook with failurePolicy Fail that is asked about its own pods, or about what they need, can never be started " +
		"again once its last pod is gone: a node's Lease, a pod of the network, a new pod of its own, each waits for the other.",
	Needs: []Kind{kindValidating},
	Reads: []Kind{kindMutating, kindServices, kindDeployments, kindDaemonSets, kindStatefulSets, kindNamespaces},
	run: func(s *Snapshot) (found []Finding) {
		now := newColdStart(s, false).cycles()
		for _, c := range now {
			f := errorOf(hookObject(c.hook), exemption(c), "webhook %s locks the cluster out: %s. Once no pod of it runs, none can be started.", c.hook.Name, c.String())
			found = append(found, f)
		}
		for _, c := range newColdStart(s, true).cycles() {
			if slices.ContainsFunc(now, func(o cycle) bool {
				return o.hook.Kind == c.hook.Kind && o.hook.Name == c.hook.Name && o.from.Object == c.from.Object
			}) {
				continue
			}
			message := "webhook %s locks the cluster out once the Secret " + s.Namespace + "/" + s.servingSecret() + " is lost or its certificate has expired: %s"
			f := warningOf(hookObject(c.hook), exemption(c), message, c.hook.Name, c.String())
			if _, valid := s.servingCertificate(); s.Live && s.unread[kindSecrets] == "" && !valid {
				f.Severity = Error
			}
			found = append(found, f)
		}
		return found
	},
}

// exemption is how to break a cycle.
func exemption(c cycle) string {
	request := c.need.request
	exempt := "take " + request.Resource + " out of the rules of " + c.hook.Name
	if ns := request.Namespace; ns != "" {
		exempt = "exempt the namespace " + ns + " from " + c.hook.Name + " by its namespaceSelector (kubernetes.io/metadata.name NotIn [" + ns + "])"
		if isUshers(c.hook) {
			exempt += ", its match condition namespace-is-judged and exemptNamespaces in usher's configuration"
		}
	}
	return exempt + "; to open a cluster that is locked: kubectl delete " + strings.ToLower(c.hook.Kind) + " " + c.hook.Configuration
}
