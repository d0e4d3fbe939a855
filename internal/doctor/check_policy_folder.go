package doctor

import "strings"

var checkPolicyFolder = &Check{
	ID:    "policies-compile",
	Title: "policies and their parameters compile",
	Why: "A policy that does not compile is not in force: replicas go on with the last good set, and one that is started anew " +
		"does not start at all.",
	Needs: []Kind{kindDeployments},
	Reads: []Kind{kindConfigMaps},
	run: func(s *Snapshot) (found []Finding) {
		if s.deployment(webhookName) == nil {
			return nil
		}
		folder, from, named := s.policyFolder()
		if !named {
			_, from, _ = s.configuration()
		}
		if _, err := s.policySet(folder); err != nil {
			found = append(found, errorOf(from, "see `usher test` on the folder of policies, and `usher policy list --config` with usher's configuration", "%s", firstLine(err.Error())))
		}
		for i := range s.Answers {
			a := &s.Answers[i]
			object := Object{"Pod", s.Namespace, a.Pod}
			if _, why, ok := strings.Cut(a.Detail, "policies not reloaded, the last good set is in force: "); ok {
				found = append(found, errorOf(object, "correct the policies in the folder of --policy-dir; they are read again when they change", "the newest policies are not in force: %s", firstLine(why)))
			} else if value := a.gauge(metricReloadOK, "", ""); value != nil && *value == 0 {
				found = append(found, errorOf(object, "see its log", "the newest policies are not in force: they did not compile"))
			}
		}
		return found
	},
}

// firstLine keeps a message to one line.
func firstLine(text string) string {
	line, rest, more := strings.Cut(strings.TrimSpace(text), "\n")
	if more && strings.TrimSpace(rest) != "" {
		return strings.TrimSpace(line) + " …"
	}
	return line
}
