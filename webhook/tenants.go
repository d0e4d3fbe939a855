package webhook

import (
	"reflect"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
)

var tenantKind = groupKind{v1alpha1.GroupVersion.Group, "Tenant"}

// claims returns what tenants claim for themselves alone, as policies see it.
func claims(tenants []map[string]any) []any {
	all := make([]any, len(tenants))
	for i, tenant := range tenants {
		metadata, _ := tenant["metadata"].(map[string]any)
		spec, _ := tenant["spec"].(map[string]any)
		claim := map[string]any{"name": metadata["name"]}
		for _, key := range []string{"namespaces", "nodePool"} {
			if v, ok := spec[key]; ok {
				claim[key] = v
			}
		}
		all[i] = claim
	}
	return all
}

// checkParameters refuses a Tenant whose parameters would leave a policy without
// a verdict, and warns of those that no policy reads. Parameters that an update
// leaves as they are were right once: they only warn, so that the rest of the
// Tenant can be changed.
func checkParameters(policies verdict.Policies, req *Request, out *Outcome) {
	parameters := parametersOf(req.Object())
	before := parametersOf(req.OldObject())
	wrong, unknown := policies.CheckParameters(parameters)
	for _, f := range wrong {
		path := "/spec/parameters/" + escape(f.Policy)
		if was, had := before[f.Policy]; had && reflect.DeepEqual(was, parameters[f.Policy]) {
			out.warn("parameters", path, f.Message)
		} else {
			out.refuse("parameters", path, f.Message)
		}
	}
	for _, f := range unknown {
		out.warn("parameters", "/spec/parameters/"+escape(f.Policy), f.Message)
	}
	out.sort()
}

func parametersOf(tenant map[string]any) map[string]any {
	spec, _ := tenant["spec"].(map[string]any)
	parameters, _ := spec["parameters"].(map[string]any)
	return parameters
}
