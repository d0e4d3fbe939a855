package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"
)

const base = "../../manifests/base/"

func TestTheDeploymentStartsTheControllerWithFlagsThatItTakes(t *testing.T) {
	data, err := os.ReadFile(base + "controller.yaml")
	must(t, err)
	var d appsv1.Deployment
	must(t, yaml.UnmarshalStrict(data, &d))
	pod := d.Spec.Template.Spec
	container := pod.Containers[0]
	o, err := parseOptions(container.Args, &bytes.Buffer{})
	must(t, err)
	if !o.leaderElect || *d.Spec.Replicas < 2 {
		t.Errorf("%d replicas, election: %t", *d.Spec.Replicas, o.leaderElect)
	}
	if !strings.HasPrefix(o.config, container.VolumeMounts[0].MountPath+"/") {
		t.Errorf("the configuration %s is not mounted", o.config)
	}
	if e := container.Env[1]; e.Name != "POD_NAMESPACE" || e.ValueFrom.FieldRef.FieldPath != "metadata.namespace" {
		t.Errorf("environment %+v", e)
	}
	if grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; grace <= stopWithin+stopMargin {
		t.Errorf("the kubelet waits %s, work in hand may take %s", grace, stopWithin+stopMargin)
	}
}

// TestWhatIsWatchedMayBe compares the kinds that are watched with the
// ClusterRole. That it suffices for all the rest shows on a real API server.
func TestWhatIsWatchedMayBe(t *testing.T) {
	allowed := rules(t, "ClusterRole", "usher-controller")
	scheme := newScheme()
	for object := range kept() {
		kind, err := apiutil.GVKForObject(object, scheme)
		must(t, err)
		resource := strings.ToLower(kind.Kind) + "s"
		if stem, ok := strings.CutSuffix(strings.ToLower(kind.Kind), "y"); ok {
			resource = stem + "ies"
		}
		if !slices.ContainsFunc(allowed, func(r rbacv1.PolicyRule) bool {
			return slices.Contains(r.APIGroups, kind.Group) && slices.Contains(r.Resources, resource) &&
				slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "watch")
		}) {
			t.Errorf("no rule lets the controller list and watch %s of %q", resource, kind.Group)
		}
	}
}
