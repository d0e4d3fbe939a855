package chart

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// pods returns the pod templates of all workloads, by name.
func pods(t testing.TB, objects []object) map[string]corev1.PodTemplateSpec {
	t.Helper()
	all := map[string]corev1.PodTemplateSpec{}
	for _, o := range objects {
		switch kind(o) {
		case "Deployment":
			all[name(o)] = as[appsv1.Deployment](t, o).Spec.Template
		case "DaemonSet":
			all[name(o)] = as[appsv1.DaemonSet](t, o).Spec.Template
		}
	}
	return all
}

func set(values ...string) []string {
	var args []string
	for _, v := range values {
		args = append(args, "--set", v)
	}
	return args
}

func TestImages(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	for _, tt := range []struct {
		name string
		set  []string
		want map[string][]string
	}{
		{"as they are built here", nil, map[string][]string{
			"usher-webhook": {"usher-webhook:devel"}, "usher-controller": {"usher-controller:devel"}, "usher-agent": {"usher-agent:devel"},
			"gpu-topology-scheduler": {"usher-extender:devel", "registry.k8s.io/kube-scheduler:v1.37.2"},
		}},
		{
			"of a registry, of another release, one pinned",
			[]string{"image.registry=registry.example.com/usher/", "image.tag=v1", "image.digests.usher-agent=" + digest, "scheduler.image.tag=v1.36.0"},
			map[string][]string{
				"usher-webhook": {"registry.example.com/usher/usher-webhook:v1"}, "usher-controller": {"registry.example.com/usher/usher-controller:v1"},
				"usher-agent":            {"registry.example.com/usher/usher-agent@" + digest},
				"gpu-topology-scheduler": {"registry.example.com/usher/usher-extender:v1", "registry.k8s.io/kube-scheduler:v1.36.0"},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := map[string][]string{}
			for name, pod := range pods(t, render(t, append(set("image.pullPolicy=Never", "image.pullSecrets[0].name=key"), set(tt.set...)...)...)) {
				for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
					got[name] = append(got[name], c.Image)
					if c.ImagePullPolicy != corev1.PullNever {
						t.Errorf("%s is pulled %s", c.Image, c.ImagePullPolicy)
					}
				}
				if want := []corev1.LocalObjectReference{{Name: "key"}}; !slices.Equal(pod.Spec.ImagePullSecrets, want) {
					t.Errorf("%s is pulled with %v", name, pod.Spec.ImagePullSecrets)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheCollectorWorksHarderBelowTheLimitOfMemory(t *testing.T) {
	objects := render(t, set("webhook.resources.limits.memory=2Gi", "agent.resources.limits.memory=96Mi")...)
	got := map[string]string{}
	for _, pod := range pods(t, objects) {
		for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			for _, variable := range c.Env {
				if variable.Name == "GOMEMLIMIT" {
					got[c.Name] = c.Resources.Limits.Memory().String() + " " + variable.Value
				}
			}
		}
	}
	want := map[string]string{"webhook": "2Gi 1600MiB", "controller": "1Gi 800MiB", "extender": "512Mi 400MiB", "agent": "96Mi 75MiB"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPodsTakeWhatTheValuesSayOfThem(t *testing.T) {
	for part, workload := range map[string]string{
		"webhook": "usher-webhook", "controller": "usher-controller", "scheduler": "gpu-topology-scheduler", "agent": "usher-agent",
	} {
		before := pods(t, render(t))[workload]
		pod := pods(t, render(t, set(
			part+".priorityClassName=mine", part+".nodeSelector.pool=system", part+".tolerations[0].key=system",
			part+".podLabels.team=platform", part+".podAnnotations.note=kept", part+".extraArgs={--verbose}",
			part+".affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution=null",
		)...))[workload]
		if pod.Spec.PriorityClassName != "mine" || pod.Spec.NodeSelector["pool"] != "system" || pod.Labels["team"] != "platform" || pod.Annotations["note"] != "kept" ||
			len(pod.Spec.Tolerations) != 1 || pod.Spec.Tolerations[0].Key != "system" || pod.Spec.Affinity == nil || pod.Spec.Affinity.PodAntiAffinity != nil {
			t.Errorf("%s: %+v", part, pod)
		}
		last := pod.Spec.Containers[0]
		if arguments := slices.Concat(last.Command, last.Args); arguments[len(arguments)-1] != "--verbose" {
			t.Errorf("%s starts %q", part, arguments)
		}
		if pod.Labels["app.kubernetes.io/name"] != workload || before.Spec.PriorityClassName == "" {
			t.Errorf("%s: labels %v, priority %q", part, pod.Labels, before.Spec.PriorityClassName)
		}
	}
}

func TestADrainMayTakeTheOnlyReplica(t *testing.T) {
	budgets := func(objects []object) (names []string) {
		for _, o := range objects {
			if kind(o) == "PodDisruptionBudget" {
				names = append(names, name(o))
			}
		}
		slices.Sort(names)
		return names
	}
	if got, want := budgets(render(t)), []string{"gpu-topology-scheduler", "usher-controller", "usher-webhook"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got, want := budgets(render(t, set("webhook.replicas=1", "scheduler.replicas=1")...)), []string{"usher-controller"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestPartsThatAreNotWantedLeaveNothing(t *testing.T) {
	objects := render(t, set("agent.enabled=false", "scheduler.enabled=false", "networkPolicy.enabled=false", "hooks.enabled=false")...)
	for _, o := range objects {
		if strings.Contains(name(o), "agent") || strings.Contains(name(o), "scheduler") || strings.Contains(name(o), "extender") || kind(o) == "NetworkPolicy" || isHook(o) {
			t.Errorf("%s %s", kind(o), name(o))
		}
	}
}

func TestConfigurationsRollWhoeverReadsThem(t *testing.T) {
	digests := func(args ...string) map[string]string {
		all := map[string]string{}
		for name, pod := range pods(t, render(t, args...)) {
			all[name] = pod.Annotations[configDigest]
		}
		return all
	}
	before := digests()
	for _, tt := range []struct {
		name   string
		set    string
		rolled []string
	}{
		{"nothing", "agent.mig=true", nil},
		{"policies", "config.defaultMode=audit", []string{"usher-controller", "usher-webhook"}},
		{"what names a tenant", "config.tenantLabel=team", []string{"gpu-topology-scheduler", "usher-controller", "usher-webhook"}},
		{"the extender", "scheduler.extender.config.staleAfter=5m", []string{"gpu-topology-scheduler"}},
	} {
		after := digests(set(tt.set)...)
		var rolled []string
		for name, digest := range after {
			if digest != before[name] {
				rolled = append(rolled, name)
			}
		}
		slices.Sort(rolled)
		if !slices.Equal(rolled, tt.rolled) {
			t.Errorf("%s: rolls %v, want %v", tt.name, rolled, tt.rolled)
		}
	}
	if before["usher-webhook"] == "" || before["usher-webhook"] != before["usher-controller"] || before["gpu-topology-scheduler"] == "" {
		t.Errorf("%v", before)
	}
}

func TestFailurePolicyAndRulesOfTheWebhooks(t *testing.T) {
	rule := `{"apiGroups":["batch.volcano.sh"],"apiVersions":["*"],"operations":["CREATE","UPDATE"],"resources":["jobs"],"scope":"Namespaced"}`
	objects := render(t, "--set-json", "webhook.extraRules=["+rule+"]", "--set", "webhook.failurePolicy=Ignore", "--set", "webhook.timeoutSeconds=3")
	var extra any
	must(t, json.Unmarshal([]byte(rule), &extra))
	for _, k := range []string{"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"} {
		for _, w := range value(find(objects, k, "usher-webhook"), "webhooks").([]any) {
			if text(w, "failurePolicy") != "Ignore" || value(w, "timeoutSeconds") != 3.0 {
				t.Errorf("%s: %v", k, w)
			}
			rules := value(w, "rules").([]any)
			if isExtra := cmp.Equal(rules[len(rules)-1], extra); isExtra != (text(w, "name") == "validate.usher.dev") {
				t.Errorf("%s %s: the further rule is there: %t", k, text(w, "name"), isExtra)
			}
		}
	}
}
