package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"
)

func TestTheDaemonSetStartsTheAgentWithFlagsThatItTakes(t *testing.T) {
	data, err := os.ReadFile("../../manifests/agent/daemonset.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var set appsv1.DaemonSet
	if err := yaml.UnmarshalStrict(data, &set); err != nil {
		t.Fatal(err)
	}
	container := set.Spec.Template.Spec.Containers[0]
	o, err := parseOptions(container.Args, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	mounts := map[string]bool{}
	for _, m := range container.VolumeMounts {
		mounts[m.MountPath] = m.ReadOnly
	}
	for _, path := range []string{o.sysfs, "/var/lib/kubelet/pod-resources"} {
		if !mounts[path] {
			t.Errorf("%s is not mounted, or can be written", path)
		}
	}
	if o.kubeletSocket != "/var/lib/kubelet/pod-resources/kubelet.sock" {
		t.Errorf("socket %s", o.kubeletSocket)
	}
	fields := map[string]string{}
	for _, variable := range container.Env {
		if variable.ValueFrom != nil {
			fields[variable.Name] = variable.ValueFrom.FieldRef.FieldPath
		}
	}
	want := map[string]string{"NODE_NAME": "spec.nodeName", "POD_NAMESPACE": "metadata.namespace", "POD_NAME": "metadata.name"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("environment: want (-), got (+):\n%s", diff)
	}
}
