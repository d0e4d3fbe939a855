package chart

import (
	"bytes"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
)

// flag is one of a program's, as its help shows it.
var flag = regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[a-z-]+)`)

// TestProgramsTakeTheFlagsThatTheChartGivesThem asks each program for its flags.
func TestProgramsTakeTheFlagsThatTheChartGivesThem(t *testing.T) {
	everything := set("webhook.clientCertificates.required=true", "webhook.policies.configMapName=rules", "webhook.policies.items[0].key=a", "webhook.policies.items[0].path=a/a.rego",
		"scheduler.extender.tls=true", "certificates.authorityLifetime=26280h", "certificates.certificateLifetime=2160h", "certificates.overlap=1h",
		"tracing.endpoint=otel:4317", "tracing.insecure=true", "monitoring.enabled=true")
	programs := map[string][]string{}
	for _, pod := range pods(t, render(t, everything...)) {
		for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			image, _, _ := strings.Cut(c.Image, ":")
			programs[image] = append(programs[image], c.Args...)
		}
	}
	for _, o := range render(t, everything...) {
		if kind(o) == "Job" {
			args := as[batchv1.Job](t, o).Spec.Template.Spec.Containers[0].Args
			programs["usher "+args[0]] = append(programs["usher "+args[0]], args[1:]...)
		}
	}
	if len(programs) != 7 {
		t.Errorf("programs %v", programs)
	}
	delete(programs, "registry.k8s.io/kube-scheduler") // its command is the image's
	for program, args := range programs {
		words := strings.Fields(program)
		command := exec.CommandContext(t.Context(), "go", append([]string{"run", "./cmd/" + words[0]}, append(words[1:], "--help")...)...)
		command.Dir = root
		var help bytes.Buffer
		command.Stdout, command.Stderr = &help, &help
		_ = command.Run() // some exit with another code after their help
		var known []string
		for _, found := range flag.FindAllStringSubmatch(help.String(), -1) {
			known = append(known, found[1])
		}
		for _, arg := range args {
			if name, _, _ := strings.Cut(arg, "="); !slices.Contains(known, name) {
				t.Errorf("%s takes no %s; it takes %v", program, name, known)
			}
		}
	}
}
