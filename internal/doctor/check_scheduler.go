package doctor

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/api/v1alpha1"
)

const schedulingPolicy = "gpu_scheduling"

var checkScheduler = &Check{
	ID:    "scheduler",
	Title: "gpu-topology-scheduler runs where pods are sent to it",
	Why: "usher sends pods that ask for links between their GPUs to gpu-topology-scheduler. Where that does not run, they are pending " +
		"for ever, without an event.",
	Needs: []Kind{kindDeployments},
	Reads: []Kind{kindPods, kindConfigMaps},
	run: func(s *Snapshot) (found []Finding) {
		if s.deployment(webhookName) == nil {
			return nil // replicas says it
		}
		d := s.deployment(schedulerName)
		object := Object{"Deployment", s.Namespace, schedulerName}
		waiting := s.pendingFor(schedulerName)
		switch {
		case d == nil && len(waiting) > 0:
			found = append(found, errorOf(object, "apply manifests/scheduler", "it is not there, and %s for it: %s", plural(len(waiting), "pod waits", "pods wait"), some(waiting)))
		case s.Live && d == nil && routes(s.configurationOrDefault()):
			_, from, _ := s.configuration()
			found = append(found, warningOf(from, "apply manifests/scheduler, or set policies.gpu_scheduling.parameters.route: false until you do",
				"pods with GPUs are sent to %s, which is not there: they will stay pending", schedulerName))
		case s.Live && d != nil && d.Status.ReadyReplicas == 0 && len(waiting) > 0:
			found = append(found, errorOf(object, "see the log of its pods", "none of its replicas is ready, and %s for it: %s", plural(len(waiting), "pod waits", "pods wait"), some(waiting)))
		}
		return found
	},
}

// pendingFor are the pods that wait for a scheduler.
func (s *Snapshot) pendingFor(scheduler string) (pods []string) {
	for _, p := range s.Pods {
		if p.Spec.SchedulerName == scheduler && p.Spec.NodeName == "" && p.DeletionTimestamp == nil && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			pods = append(pods, p.Namespace+"/"+p.Name)
		}
	}
	return pods
}

// routes reports whether the policy gpu_scheduling sends pods to the scheduler.
func routes(cfg *v1alpha1.AdmissionConfiguration) bool {
	policy := cfg.Policies[schedulingPolicy]
	if policy.Mode == v1alpha1.ModeOff || policy.Mode == "" && cfg.DefaultMode == v1alpha1.ModeOff {
		return false
	}
	route, scheduler := true, schedulerName
	for name, into := range map[string]any{"route": &route, "scheduler": &scheduler} {
		if value, ok := policy.Parameters[name]; ok && json.Unmarshal(value.Raw, into) != nil {
			return false // policies-compile says it
		}
	}
	return route && scheduler == schedulerName
}
