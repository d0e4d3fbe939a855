package preflight

import (
	"maps"
	"slices"
)

// registration: there is one usher in a cluster, and what is registered is it.
func registration(o Options, facts *Facts) []Finding {
	var findings []Finding
	for _, kind := range slices.Sorted(maps.Keys(facts.Services)) {
		if service := facts.Services[kind]; service.Namespace != o.Namespace {
			findings = append(findings, wrong("uninstall that one first, or upgrade it where it is; a cluster has one",
				"%s %s is of the usher in namespace %q", kind, webhookName, service.Namespace))
		}
	}
	if len(findings) > 0 {
		return findings
	}
	if len(facts.Services) == 0 {
		return []Finding{fine("nobody is asked yet")}
	}
	return []Finding{fine("of the usher in this namespace")}
}
