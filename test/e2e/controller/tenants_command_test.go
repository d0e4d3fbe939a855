package controller_test

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
)

// TestUsherTenantsShowsWhatTheControllerCounted asks the command line about
// tenants that the controller serves.
func TestUsherTenantsShowsWhatTheControllerCounted(t *testing.T) {
	c := start(t)
	c.kubernetes(t, "resourcequota-controller", "namespace-controller")
	c.leader(t)
	folder := t.TempDir()
	usher, err := repository.Build(t.Context(), folder, "usher")
	must(t, err)
	as := func(user string, groups ...string) string {
		config, err := c.As(user, groups...)
		must(t, err)
		kubeconfig := filepath.Join(folder, user)
		must(t, controlplane.WriteKubeconfig(kubeconfig, config))
		return kubeconfig
	}
	platform := as("platform", "system:masters")
	run := func(kubeconfig string, arguments ...string) (code int, stdout, stderr string) {
		command := exec.CommandContext(t.Context(), usher, append([]string{"tenants", "--kubeconfig", kubeconfig}, arguments...)...)
		var out, complaints bytes.Buffer
		command.Stdout, command.Stderr = &out, &complaints
		err := command.Run()
		if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
			t.Fatal(err)
		}
		return command.ProcessState.ExitCode(), out.String(), complaints.String()
	}

	if code, _, complaint := run(platform); code != 2 || !strings.HasPrefix(complaint, "usher: the cluster has no Tenant;") {
		t.Errorf("without a tenant: exit %d, %s", code, complaint)
	}
	c.serves(t, "lab")
	must(t, c.ApplyYAML(t.Context(), pod("lab-a", "large", "nvidia.com/gpu", 3)+pod("lab-b", "part", "nvidia.com/mig-3g.20gb", 1)))
	await.Success(t, patience, "both pods counted", func() (struct{}, error) {
		code, text, complaint := run(platform)
		if line := fields(text, "lab"); code != 0 || line != "lab 8 3.428572 0 4.571428 2 yes" {
			return struct{}{}, fmt.Errorf("exit %d: %q%s", code, line, complaint)
		}
		return struct{}{}, nil
	})
	text := await.Success(t, patience, "the pods counted by the quota", func() (string, error) {
		code, text, complaint := run(platform, "lab")
		if line := fields(text, "pods"); code != 0 || line != "pods 10 2" {
			return "", fmt.Errorf("exit %d: %q%s", code, line, complaint)
		}
		return text, nil
	})
	for first, want := range map[string]string{
		"lab:":                   "lab: 2 namespaces (lab-a, lab-b), no node pool",
		"all":                    "all 8 3.428572 0 4.571428",
		"lab-a":                  "lab-a 4 3 0 1",
		"lab-b":                  "lab-b 4 0.428572 0 3.571428",
		"nvidia.com/gpu":         "nvidia.com/gpu - 3 0 -",
		"nvidia.com/mig-3g.20gb": "nvidia.com/mig-3g.20gb 2 1 0 1",
		"Ready":                  "Ready True AsSpecified the cluster is as the spec says",
	} {
		if got := fields(text, first); got != want {
			t.Errorf("%q, want %q in\n%s", got, want, text)
		}
	}
	if at, then := strings.Index(text, "Pod lab-a/large"), strings.Index(text, "Pod lab-b/part"); at < 0 || then < at {
		t.Errorf("the holders are not there in order:\n%s", text)
	}

	// What kubectl wrote down says the same.
	written, _, err := c.Kubectl(t.Context(), "", "get", "tenants,quotaledgers", "-o", "yaml")
	must(t, err)
	command := exec.CommandContext(t.Context(), usher, "tenants", "-f", "-", "lab")
	command.Stdin = strings.NewReader(written)
	again, err := command.Output()
	if err != nil || string(again) != text {
		t.Errorf("of the file: %v\n%s\nof the cluster:\n%s", err, again, text)
	}

	if code, _, complaint := run(platform, "law"); code != 2 || complaint != "usher: there is no Tenant law; `usher tenants` lists those that there are\n" {
		t.Errorf("an unknown tenant: exit %d, %s", code, complaint)
	}
	if code, _, complaint := run(as("nobody")); code != 2 || !strings.Contains(complaint, `usher: list Tenants: tenants.usher.dev is forbidden: User "nobody"`) {
		t.Errorf("without the right: exit %d, %s", code, complaint)
	}
	if code, _, complaint := run(filepath.Join(folder, "nothing")); code != 2 || !strings.HasPrefix(complaint, "usher: connect to the cluster: ") {
		t.Errorf("without a cluster: exit %d, %s", code, complaint)
	}

	_, _, err = c.Kubectl(t.Context(), "", "delete", "tenant", "lab", "--timeout=60s")
	must(t, err)
	_, _, err = c.Kubectl(t.Context(), "", "delete", "crd", "tenants.usher.dev", "--timeout=60s")
	must(t, err)
	await.Success(t, patience, "the kind gone", func() (struct{}, error) {
		code, _, complaint := run(platform)
		if code != 2 || complaint != "usher: list Tenants: the cluster does not know Tenants; install usher's CRDs (manifests/crd)\n" {
			return struct{}{}, fmt.Errorf("exit %d: %s", code, complaint)
		}
		return struct{}{}, nil
	})
}

// pod asks for devices of a resource. No node will ever run it.
func pod(namespace, name, resource string, devices int) string {
	return fmt.Sprintf(`
---
apiVersion: v1
kind: Pod
metadata: {namespace: %s, name: %s}
spec:
  containers:
    - name: main
      image: app:1
      resources: {limits: {%s: %d, cpu: 1, memory: 1Gi}}
`, namespace, name, resource, devices)
}

// fields is the line of a text whose first field is this, with one space between
// fields.
func fields(text, first string) string {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == first {
			return strings.Join(f, " ")
		}
	}
	return ""
}
