package policies_test

import (
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
)

// BenchmarkPodSecurity evaluates the policy without the engine's memory of
// verdicts: what a pod costs that is like none before it.
func BenchmarkPodSecurity(b *testing.B) {
	query := prepareRego(b, "package oracle", `x := {
		"deny": data.usher.pod_security.deny,
		"warn": data.usher.pod_security.warn,
		"audit": data.usher.pod_security.audit,
	}`, "pod_security")
	clean := restrictedPod()
	violating := restrictedPod()
	violating.Spec.HostNetwork = true
	violating.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
	for _, bench := range []struct {
		name   string
		pod    *corev1.Pod
		labels map[string]string
	}{
		{"clean pod/privileged", clean, nil},
		{"clean pod/baseline", clean, map[string]string{api.EnforceLevelLabel: "baseline"}},
		{"clean pod/restricted", clean, map[string]string{api.EnforceLevelLabel: "restricted"}},
		{"clean pod/baseline, warn restricted", clean, map[string]string{api.EnforceLevelLabel: "baseline", api.WarnLevelLabel: "restricted"}},
		{"violating pod/restricted", violating, map[string]string{api.EnforceLevelLabel: "restricted"}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			input, err := ast.InterfaceToValue(map[string]any{
				"pod":       judgedPod(b, bench.pod),
				"namespace": labelled(bench.labels),
				"params":    map[string]any{"default_level": "privileged", "tenant_default_level": "baseline", "default_version": "latest"},
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				results, err := query.Eval(b.Context(), rego.EvalParsedInput(input))
				if err != nil || len(results) != 1 {
					b.Fatal(results, err)
				}
			}
		})
	}
}

// restrictedPod is a typical pod of two containers that meets the restricted
// level.
func restrictedPod() *corev1.Pod {
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		Volumes: []corev1.Volume{
			{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			{Name: "kube-api-access-x7x9z", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}},
		},
	}}
	for _, name := range []string{"app", "sidecar"} {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name:          name,
			Image:         "registry.example/" + name + ":1",
			Ports:         []corev1.ContainerPort{{ContainerPort: 8080}},
			LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz"}}},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false),
				Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				ReadOnlyRootFilesystem:   new(true),
				RunAsNonRoot:             new(true),
				RunAsUser:                new(int64(1000)),
				SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
		})
	}
	return pod
}
