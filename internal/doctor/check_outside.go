package doctor

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

var checkOutside = &Check{
	ID:    "gpus-outside-tenants",
	Title: "pods with GPUs belong to tenants",
	Why:   "GPUs of pods in a namespace without a tenant are in no ledger: whatever tenants may have, these have it first.",
	Needs: []Kind{kindPods, kindNamespaces},
	Reads: []Kind{kindTenants, kindConfigMaps, kindDeployments},
	run: func(s *Snapshot) (found []Finding) {
		cfg, weights := s.configurationOrDefault(), s.weights()
		known := sets.New[string]()
		for _, t := range s.Tenants {
			known.Insert(t.Name)
		}
		tenantOf := map[string]string{}
		for _, ns := range s.Namespaces {
			tenantOf[ns.Name] = ns.Labels[cfg.TenantLabel]
		}
		pods := map[string][]string{}
		for _, p := range s.Pods {
			if live(p) && !slices.Contains(cfg.ExemptNamespaces, p.Namespace) && len(gpus(weights, &p.Spec)) > 0 && !known.Has(tenantOf[p.Namespace]) {
				pods[p.Namespace] = append(pods[p.Namespace], p.Name)
			}
		}
		for _, ns := range slices.Sorted(maps.Keys(pods)) {
			why := "it belongs to no tenant"
			if name := tenantOf[ns]; name != "" {
				why = "its tenant " + name + " is not there"
			}
			found = append(found, errorOf(Object{"Namespace", "", ns}, "name it in spec.namespaces of a Tenant and label it "+cfg.TenantLabel+"=NAME, or move its pods",
				"%s, and %s of it: %s", why, plural(len(pods[ns]), "pod holds GPUs in spite", "pods hold GPUs in spite"), some(pods[ns])))
		}
		return found
	},
}

// live reports whether a pod holds what it asks for, or will.
func live(p *corev1.Pod) bool {
	return p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed
}
