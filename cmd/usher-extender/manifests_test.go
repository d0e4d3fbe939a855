package main

import (
	"os"
	"strings"
	"testing"

	configv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/internal/config"
)

func TestTheManifestsConfigureTheSchedulerForTheExtender(t *testing.T) {
	const dir = "../../manifests/scheduler/"
	if _, err := config.LoadExtender(dir + "extender-config.yaml"); err != nil {
		t.Error(err)
	}
	raw, err := os.ReadFile(dir + "scheduler-config.yaml")
	must(t, err)
	var c configv1.KubeSchedulerConfiguration
	must(t, yaml.UnmarshalStrict(raw, &c))
	if len(c.Extenders) != 1 || len(c.Profiles) != 1 || *c.Profiles[0].SchedulerName != "gpu-topology-scheduler" || *c.PercentageOfNodesToScore != 100 {
		t.Fatalf("%+v", c)
	}
	e := c.Extenders[0]
	if e.URLPrefix != "http://127.0.0.1:9444/v1" || e.FilterVerb != "filter" || e.PrioritizeVerb != "prioritize" || e.PreemptVerb != "preempt" ||
		e.BindVerb != "" || !e.NodeCacheCapable || e.Ignorable || e.Weight < 10 || e.HTTPTimeout.Duration == 0 {
		t.Errorf("%+v", e)
	}
	managed := map[string]bool{}
	for _, r := range e.ManagedResources {
		if managed[r.Name] || r.IgnoredByScheduler {
			t.Errorf("%+v stands twice, or is not counted by the scheduler", r)
		}
		managed[r.Name] = true
	}
	for _, name := range []string{"nvidia.com/gpu", "nvidia.com/gpu.shared", "nvidia.com/mig-1g.5gb", "nvidia.com/mig-3g.40gb", "nvidia.com/mig-7g.141gb"} {
		if !managed[name] {
			t.Errorf("%s is not managed", name)
		}
	}
	deployment, err := os.ReadFile(dir + "deployment.yaml")
	must(t, err)
	if !strings.Contains(string(deployment), "--listen=127.0.0.1:9444") {
		t.Error("the extender does not listen where the scheduler asks")
	}
}
