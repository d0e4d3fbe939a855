// Package chart installs, upgrades and uninstalls usher's Helm chart on a real API
// server. There is no kubelet: the chart's Jobs are run beside it, as their own
// service accounts.
package chart

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
)

const (
	namespace = "usher-system"
	patience  = 30 * time.Second
)

var (
	plane *controlplane.ControlPlane
	// usher is the command line's binary, and helm the tool that tools/go.mod pins.
	usher, helm string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "usher-e2e-chart-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if usher, err = repository.Build(ctx, folder, "usher"); err != nil {
		return 1, err
	}
	found, err := repository.Run(ctx, "go", "tool", "-n", "-modfile=tools/go.mod", "helm")
	if err != nil {
		return 1, err
	}
	helm = strings.TrimSpace(string(found))
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return 1, err
	}
	if plane, err = controlplane.New(folder, programs); err != nil {
		return 1, err
	}
	defer plane.Release()
	if err := plane.Start(ctx); err != nil {
		return 1, err
	}
	// In a cluster, the API server makes it itself.
	if err := apiServerAt(ctx, 6443); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// apiServerAt says in the cluster where the API server listens.
func apiServerAt(ctx context.Context, port int) error {
	return plane.ApplyYAML(ctx, fmt.Sprintf(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
endpoints: [{addresses: [192.0.2.1]}]
ports: [{name: https, port: %d}]
`, port))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// kubectl runs kubectl as the administrator.
func kubectl(t testing.TB, arguments ...string) string {
	t.Helper()
	output, _, err := plane.Kubectl(t.Context(), "", arguments...)
	must(t, err)
	return output
}

// execute runs a program and returns its exit code and all that it printed.
func execute(t testing.TB, program string, environment []string, arguments ...string) (code int, output string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Dir, command.Env = repository.Root(), append(os.Environ(), environment...)
	text, err := command.CombinedOutput()
	if command.ProcessState == nil {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), string(text)
}

// kubeconfig writes the administrator's.
func kubeconfig(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, controlplane.WriteKubeconfig(path, plane.Config()))
	return path
}
