package preflight

import "fmt"

// enforceLabel is the level of Pod Security that a namespace enforces.
const enforceLabel = "pod-security.kubernetes.io/enforce"

// podSecurity lets the agent's pods into the namespace.
func podSecurity(o Options, facts *Facts) []Finding {
	if !o.Agent {
		return nil
	}
	level := ""
	if facts.Namespace != nil {
		level = facts.Namespace.Labels[enforceLabel]
	}
	switch level {
	case "privileged":
		return []Finding{fine("the namespace admits the agent")}
	case "":
		return []Finding{fine("the namespace enforces no level of its own")}
	}
	return []Finding{wrong(
		fmt.Sprintf("kubectl label namespace %s --overwrite %s=privileged, or set agent.enabled: false", o.Namespace, enforceLabel),
		"namespace %s enforces the level %s, and the agent mounts folders of its nodes", o.Namespace, level)}
}
