package preflight

import (
	"slices"
)

// networkPolicies let usher reach the API server.
func networkPolicies(o Options, facts *Facts) []Finding {
	if len(o.APIServerPorts) == 0 {
		return nil
	}
	if len(facts.APIServerPorts) == 0 {
		return []Finding{doubtful("make sure that networkPolicy.apiServer.ports names it", "it does not show where the API server listens")}
	}
	missing := slices.DeleteFunc(slices.Clone(facts.APIServerPorts), func(p int32) bool { return slices.Contains(o.APIServerPorts, p) })
	if len(missing) > 0 {
		return []Finding{wrong("add it to networkPolicy.apiServer.ports",
			"usher may reach the ports %s, and the API server listens at %s", listed(o.APIServerPorts), listed(missing))}
	}
	return []Finding{fine("usher may reach the API server at %s", listed(facts.APIServerPorts))}
}
