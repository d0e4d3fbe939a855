package chart

import (
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// allPods are those of workloads and of hooks.
func allPods(t *testing.T, objects []object) map[string]corev1.PodTemplateSpec {
	t.Helper()
	all := pods(t, objects)
	for _, o := range objects {
		if kind(o) == "Job" {
			all[name(o)] = as[batchv1.Job](t, o).Spec.Template
		}
	}
	return all
}

// TestPodsAreRestricted asks Kubernetes' own evaluator about every pod. The agent
// alone mounts folders of its node, and is not restricted.
func TestPodsAreRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	must(t, err)
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, p := range profiles {
		all := allPods(t, render(t, profile(p)...))
		if len(all) != 7 {
			t.Errorf("%s: %d kinds of pods, want 4 that stay and 3 of hooks", p, len(all))
		}
		for name, pod := range all {
			result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec))
			if result.Allowed == (name == "usher-agent") {
				t.Errorf("%s: %s is restricted: %t: %s", p, name, result.Allowed, result.ForbiddenDetail())
			}
		}
	}
}

// TestContainersAreLocked holds every container to more than the standards want.
func TestContainersAreLocked(t *testing.T) {
	for pod, template := range allPods(t, render(t)) {
		if pod != "usher-agent" && (template.Spec.SecurityContext.RunAsUser == nil || *template.Spec.SecurityContext.RunAsUser == 0) {
			t.Errorf("%s does not say as whom it runs", pod)
		}
		if template.Spec.HostNetwork || template.Spec.HostPID || template.Spec.HostIPC {
			t.Errorf("%s is in its node's namespaces", pod)
		}
		for _, c := range slices.Concat(template.Spec.InitContainers, template.Spec.Containers) {
			at := pod + "/" + c.Name
			s := c.SecurityContext
			if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
				!slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
				t.Errorf("%s: %+v", at, s)
			}
			if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s: resources %+v", at, c.Resources)
			}
			for _, m := range c.VolumeMounts {
				if !m.ReadOnly {
					t.Errorf("%s writes to %s", at, m.MountPath)
				}
			}
			isHook := strings.HasPrefix(pod, "usher-") && template.Spec.RestartPolicy == corev1.RestartPolicyNever
			if !isHook && (c.LivenessProbe == nil || c.ReadinessProbe == nil) {
				t.Errorf("%s has no probes", at)
			}
		}
	}
}

// TestNodesWithMIGTakeOneCapability, and no more.
func TestNodesWithMIGTakeOneCapability(t *testing.T) {
	agent := pods(t, render(t, set("agent.mig=true")...))["usher-agent"].Spec.Containers[0]
	if got := agent.SecurityContext.Capabilities.Add; !slices.Equal(got, []corev1.Capability{"SYS_ADMIN"}) {
		t.Errorf("capabilities %v", got)
	}
	if !slices.Contains(agent.Env, corev1.EnvVar{Name: "NVIDIA_MIG_MONITOR_DEVICES", Value: "all"}) {
		t.Errorf("environment %v", agent.Env)
	}
}
