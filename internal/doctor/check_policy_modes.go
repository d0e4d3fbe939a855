package doctor

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"usher.dev/usher/api/v1alpha1"
)

// modeLabel is the prefix of the labels by which a namespace sets a policy's mode.
const modeLabel = "policy.usher.dev/"

var checkPolicyModes = &Check{
	ID:    "policies-enforced",
	Title: "policies are in mode enforce",
	Why: "In the modes warn, audit and off a policy refuses nothing. That is right while a policy is tried out, and easily " +
		"forgotten.",
	Needs: []Kind{kindDeployments, kindConfigMaps},
	Reads: []Kind{kindNamespaces},
	run: func(s *Snapshot) (found []Finding) {
		cfg, from, err := s.configuration()
		if cfg == nil || err != nil {
			return nil // configuration says it
		}
		folder, _, _ := s.policyFolder()
		set, err := s.policySet(folder)
		if err != nil {
			return nil // policies-compile says it
		}
		lax := map[v1alpha1.Mode][]string{}
		fixed := map[string]bool{}
		modes := map[string]v1alpha1.Mode{}
		for _, p := range set.Policies() {
			modes[p.Name] = p.Mode
			fixed[p.Name] = !ptr.Deref(cfg.Policies[p.Name].NamespaceOverride, true)
			if p.Mode != v1alpha1.ModeEnforce {
				lax[p.Mode] = append(lax[p.Mode], p.Name)
			}
		}
		for _, mode := range v1alpha1.Modes {
			if len(lax[mode]) > 0 {
				found = append(found, warningOf(from, "set their mode to enforce once `usher review` and the warnings show what they would refuse",
					"%s in mode %s and refuse nothing: %s", plural(len(lax[mode]), "policy is", "policies are"), mode, strings.Join(lax[mode], ", ")))
			}
		}
		for _, ns := range s.Namespaces {
			if looser := looserModes(ns, cfg, modes, fixed); len(looser) > 0 {
				found = append(found, warningOf(objectOf("Namespace", ns), "take the labels "+modeLabel+"* away, or set namespaceOverride: false for these policies",
					"its labels loosen policies: %s", strings.Join(looser, ", ")))
			}
		}
		return found
	},
}

// looserModes are the policies that a judged namespace's labels make less strict.
func looserModes(ns *corev1.Namespace, cfg *v1alpha1.AdmissionConfiguration, modes map[string]v1alpha1.Mode, fixed map[string]bool) (looser []string) {
	if slices.Contains(cfg.ExemptNamespaces, ns.Name) {
		return nil
	}
	for key, value := range ns.Labels {
		name, ok := strings.CutPrefix(key, modeLabel)
		at := slices.Index(v1alpha1.Modes, v1alpha1.Mode(value))
		if mode, known := modes[name]; ok && known && !fixed[name] && at > slices.Index(v1alpha1.Modes, mode) {
			looser = append(looser, name+" ("+value+")")
		}
	}
	slices.Sort(looser)
	return looser
}
