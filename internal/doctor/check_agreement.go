package doctor

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

var checkAgreement = &Check{
	ID:    "agreement",
	Title: "replicas have the same image, configuration and policies",
	Why: "Replicas that differ answer the same request differently, by chance. During a rollout that passes; a rollout that " +
		"hangs leaves it so. Webhook and controller count GPUs alike only by the same configuration.",
	Needs: []Kind{kindDeployments},
	Reads: []Kind{kindPods},
	run: func(s *Snapshot) (found []Finding) {
		for _, part := range serving {
			pods := slices.DeleteFunc(s.podsOf(part.name), func(p *corev1.Pod) bool {
				return p.DeletionTimestamp != nil || p.Status.Phase != corev1.PodRunning
			})
			object := Object{"Deployment", s.Namespace, part.name}
			found = append(found, differing(object, "image", pods, images)...)
			found = append(found, differing(object, "configuration", pods, func(p *corev1.Pod) string { return configOf(&p.Spec) })...)
		}
		found = append(found, s.digestFindings()...)
		webhook, controller := s.mountedConfig(s.deployment(webhookName)), s.mountedConfig(s.deployment(controllerName))
		if webhook != "" && controller != "" && webhook != controller {
			found = append(found, errorOf(Object{"Deployment", s.Namespace, controllerName}, "let both mount the same ConfigMap",
				"it reads the configuration %s, and usher-webhook reads %s: they may not agree on what names a tenant and what a GPU counts", controller, webhook))
		}
		return found
	},
}

func images(p *corev1.Pod) string {
	var all []string
	for i := range p.Spec.Containers {
		all = append(all, p.Spec.Containers[i].Image)
	}
	return strings.Join(all, "+")
}

// differing says how many pods have which value, where they differ.
func differing(object Object, what string, pods []*corev1.Pod, of func(*corev1.Pod) string) []Finding {
	values := map[string][]string{}
	for _, p := range pods {
		if v := of(p); v != "" {
			values[v] = append(values[v], p.Name)
		}
	}
	return differingValues(object, what, values)
}

func differingValues(object Object, what string, values map[string][]string) []Finding {
	if len(values) < 2 {
		return nil
	}
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(values)) {
		slices.Sort(values[v])
		parts = append(parts, v+" ("+some(values[v])+")")
	}
	return []Finding{warningOf(object, "see whether a rollout is under way or hangs: `kubectl -n "+object.Namespace+" rollout status deployment/"+object.Name+"`",
		"its replicas differ in their %s: %s", what, strings.Join(parts, ", "))}
}

// digestFindings says where replicas of the webhook have different policies in force.
func (s *Snapshot) digestFindings() []Finding {
	values := map[string][]string{}
	for i := range s.Answers {
		for line := range strings.Lines(s.Answers[i].Detail) {
			if digest, ok := strings.CutPrefix(strings.TrimSpace(line), "policies "); ok && !strings.Contains(digest, " ") {
				values[digest] = append(values[digest], s.Answers[i].Pod)
			}
		}
	}
	return differingValues(Object{"Deployment", s.Namespace, webhookName}, "policies in force", values)
}
