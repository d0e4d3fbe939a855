package doctor

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/doctor/webhooks"
	"usher.dev/usher/quota"
)

var checkConfiguration = &Check{
	ID:    "configuration",
	Title: "usher's configuration can be read, and says the same as its webhooks",
	Why: "New pods do not start with a configuration that cannot be read. Where exemptNamespaces and the selectors differ, requests " +
		"are sent for nothing, or a namespace that should be left alone waits for usher.",
	Needs: []Kind{kindDeployments, kindConfigMaps},
	Reads: []Kind{kindValidating, kindMutating},
	run: func(s *Snapshot) (found []Finding) {
		if s.deployment(webhookName) == nil {
			return nil // replicas says it
		}
		cfg, from, err := s.configuration()
		switch {
		case err != nil:
			return []Finding{errorOf(from, "correct it; running pods keep what they have read, and no new one starts", "%s is invalid: %v", configFile, err)}
		case cfg == nil && find(s.ConfigMaps, from.Namespace, from.Name) == nil && s.mountedConfig(s.deployment(webhookName)) != "":
			return []Finding{errorOf(from, "apply usher's manifests; a Deployment and the ConfigMap that it mounts come from one build", "it is not there, and Deployment %s mounts it: new pods do not start", webhookName)}
		case cfg == nil:
			return nil
		}
		if _, err := quota.WeightsOf(cfg); err != nil {
			found = append(found, errorOf(from, "correct the parameters of gpu_quota", "its weights cannot be read: %v", err))
		}
		for _, h := range s.ushersHooks() {
			found = append(found, selectorFindings(h, cfg)...)
		}
		return merged(found)
	},
}

// selectorFindings compares a webhook's namespaceSelector with the configuration.
func selectorFindings(h *webhooks.Hook, cfg *v1alpha1.AdmissionConfiguration) (found []Finding) {
	var exempt, asked []string
	for _, e := range h.Namespaces.MatchExpressions {
		switch {
		case e.Key == "kubernetes.io/metadata.name" && e.Operator == metav1.LabelSelectorOpNotIn:
			exempt = append(exempt, e.Values...)
		case e.Operator == metav1.LabelSelectorOpExists && e.Key != cfg.TenantLabel && strings.HasPrefix(h.Name, "tenants."):
			found = append(found, errorOf(hookObject(h), "set the key to "+cfg.TenantLabel,
				"webhook %s is asked in namespaces with the label %s, but a tenant's namespaces have the label %s (tenantLabel)", h.Name, e.Key, cfg.TenantLabel))
		}
	}
	for _, ns := range cfg.ExemptNamespaces {
		if !slices.Contains(exempt, ns) {
			asked = append(asked, ns)
		}
	}
	if len(asked) > 0 {
		found = append(found, warningOf(hookObject(h), "add them to the namespaceSelector and to the match condition namespace-is-judged",
			"webhook %s is asked about namespaces that usher's configuration exempts, and that so wait for it: %s", h.Name, strings.Join(asked, ", ")))
	}
	var unjudged []string
	for _, ns := range exempt {
		if !slices.Contains(cfg.ExemptNamespaces, ns) {
			unjudged = append(unjudged, ns)
		}
	}
	if len(unjudged) > 0 {
		found = append(found, warningOf(hookObject(h), "add them to exemptNamespaces in usher's configuration, or take them out of the selector",
			"webhook %s is not asked about namespaces that usher's configuration does not exempt: %s", h.Name, strings.Join(unjudged, ", ")))
	}
	return found
}
