package extender

import (
	"slices"
	"strings"

	"usher.dev/usher/api/v1alpha1"
)

// grant is what a Tenant says of GPUs, as far as nodes are concerned.
type grant struct {
	// models are those that the tenant's pods may run on, sorted; empty: all.
	models []string
}

// grantOf returns a tenant's grant, nil if it may use no GPU and has no ledger.
func grantOf(tenant *v1alpha1.Tenant) *grant {
	if tenant.Spec.GPU == nil {
		return nil
	}
	g := &grant{}
	for _, name := range tenant.Spec.GPU.Models {
		g.models = append(g.models, physical(name))
	}
	slices.Sort(g.models)
	g.models = slices.Compact(g.models)
	return g
}

// physical is the model behind a value of the label nvidia.com/gpu.product. GPU
// feature discovery adds to it how the GPUs are handed out: -SHARED, or -MIG- and
// a profile. The policy gpu_models tells those apart; a report names the GPU.
func physical(label string) string {
	label, _, _ = strings.Cut(label, "-MIG-")
	return strings.TrimSuffix(label, "-SHARED")
}

// modelsOf lists the models of GPUs as GPU feature discovery writes them in that
// label, sorted; "" for those of which the report does not say it.
func modelsOf(gpus []v1alpha1.GPU) []string {
	var models []string
	for i := range gpus {
		models = append(models, strings.ReplaceAll(gpus[i].Model, " ", "-"))
	}
	slices.Sort(models)
	return slices.Compact(models)
}

// refusal says why the tenant's pods may not use a node with GPUs of these
// models, nil if they may. All must be allowed: the device plugin picks.
func (g *grant) refusal(tenant string, models []string) *refusal {
	if g == nil || len(g.models) == 0 {
		return nil
	}
	for _, model := range models {
		if slices.Contains(g.models, model) {
			continue
		}
		allowed := strings.Join(g.models, ", ")
		if model == "" {
			return newRefusal(causeModel, false, "the GPU report does not name the models of all GPUs; tenant %q may use %s alone", tenant, allowed)
		}
		return newRefusal(causeModel, false, "the node has %s, which tenant %q may not use; it may use %s", model, tenant, allowed)
	}
	return nil
}
