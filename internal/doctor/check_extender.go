package doctor

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulerv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"
)

var checkExtender = &Check{
	ID:    "scheduler-extender",
	Title: "gpu-topology-scheduler asks the extender, and waits for it",
	Why: "Without the extender the scheduler places pods as any other would: on nodes whose GPUs are not linked, are ill or are " +
		"on their way to somebody else. With ignorable it does so in silence whenever the extender is away.",
	Needs: []Kind{kindDeployments, kindConfigMaps},
	Reads: []Kind{kindNodes},
	run: func(s *Snapshot) (found []Finding) {
		d := s.deployment(schedulerName)
		if d == nil {
			return nil
		}
		if !s.hasExtender(&d.Spec.Template.Spec) {
			found = append(found, errorOf(objectOf("Deployment", d), "apply manifests/scheduler", "no container of it is %s", extenderName))
		}
		name := configOf(&d.Spec.Template.Spec)
		object := Object{"ConfigMap", s.Namespace, name}
		config := find(s.ConfigMaps, s.Namespace, name)
		if config == nil {
			if name != "" {
				found = append(found, errorOf(object, "apply manifests/scheduler; a Deployment and the ConfigMap that it mounts come from one build", "it is not there, and Deployment %s mounts it", schedulerName))
			}
			return found
		}
		var c schedulerv1.KubeSchedulerConfiguration
		if err := yaml.Unmarshal([]byte(config.Data["scheduler-config.yaml"]), &c); err != nil {
			return append(found, errorOf(object, "correct it", "scheduler-config.yaml is unreadable: %v", err))
		}
		for _, message := range s.extenderMessages(&c) {
			found = append(found, errorOf(object, "compare it with manifests/scheduler/scheduler-config.yaml", "%s", message))
		}
		return found
	},
}

// hasExtender reports whether a container is the extender, by its name or its image.
func (s *Snapshot) hasExtender(spec *corev1.PodSpec) bool {
	return slices.ContainsFunc(slices.Concat(spec.InitContainers, spec.Containers), func(c corev1.Container) bool {
		return c.Name == "extender" || strings.Contains(c.Image, extenderName)
	})
}

// extenderMessages are what is wrong with the scheduler's configuration.
func (s *Snapshot) extenderMessages(c *schedulerv1.KubeSchedulerConfiguration) (messages []string) {
	if !slices.ContainsFunc(c.Profiles, func(p schedulerv1.KubeSchedulerProfile) bool {
		return p.SchedulerName != nil && *p.SchedulerName == schedulerName
	}) {
		messages = append(messages, "no profile of it is named "+schedulerName)
	}
	at := slices.IndexFunc(c.Extenders, func(e schedulerv1.Extender) bool { return e.FilterVerb == "filter" && e.PrioritizeVerb == "prioritize" })
	if at < 0 {
		return append(messages, "it names no extender with the verbs filter and prioritize: pods are placed as if their GPUs had no links")
	}
	e := c.Extenders[at]
	if e.Ignorable {
		messages = append(messages, "its extender is ignorable: while it is away, pods are placed without it")
	}
	if !e.NodeCacheCapable {
		messages = append(messages, "nodeCacheCapable is false: the extender answers with names, and later plugins see empty nodes")
	}
	if e.Weight <= 0 {
		messages = append(messages, "the extender's weight is not above 0: its scores count for nothing")
	}
	if e.BindVerb != "" {
		messages = append(messages, "it has a bindVerb, which usher-extender does not serve")
	}
	if missing := s.unmanaged(&e); len(missing) > 0 {
		messages = append(messages, fmt.Sprintf("managedResources lacks what nodes offer: %s; the extender is not asked about pods with these alone", strings.Join(missing, ", ")))
	}
	return messages
}

// unmanaged are the GPU resources of nodes that the extender is not asked about.
func (s *Snapshot) unmanaged(e *schedulerv1.Extender) (missing []string) {
	if len(e.ManagedResources) == 0 {
		return nil // asked about every pod
	}
	weights := s.weights()
	for _, n := range s.Nodes {
		for _, name := range nodeGPUs(weights, n) {
			if strings.HasPrefix(name, "nvidia.com/") && !slices.ContainsFunc(e.ManagedResources, func(m schedulerv1.ExtenderManagedResource) bool { return m.Name == name }) {
				missing = append(missing, name)
			}
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}
