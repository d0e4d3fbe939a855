package doctor

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// report is the JSON form of docs/doctor.md.
type report struct {
	Errors, Warnings int
	Findings         []finding
	Passed           []string
	Skipped          []struct{ ID, Reason string }
}

type finding struct {
	ID, Severity, Message, Advice string
	Object                        struct{ Kind, Namespace, Name string }
}

// doctor runs usher doctor and returns its exit code, what it printed and what it
// complained of.
func (s *site) doctor(t *testing.T, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), s.usher, append([]string{"doctor"}, arguments...)...)
	var out, complaints bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaints
	err := command.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), out.String(), complaints.String()
}

// examine runs usher doctor with the rights of its own role.
func (s *site) examine(t *testing.T) (*report, int) {
	t.Helper()
	code, stdout, stderr := s.doctor(t, "--kubeconfig", s.path("doctor.kubeconfig"), "-o", "json")
	if code > 1 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	r := &report{}
	must(t, json.Unmarshal([]byte(stdout), r))
	return r, code
}

// of returns the first finding of a check, nil if there is none.
func (r *report) of(id string) *finding {
	for i := range r.Findings {
		if r.Findings[i].ID == id {
			return &r.Findings[i]
		}
	}
	return nil
}

func (r *report) String() string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s [%s] %s %s/%s: %s\n", f.Severity, f.ID, f.Object.Kind, f.Object.Namespace, f.Object.Name, f.Message)
	}
	for _, skipped := range r.Skipped {
		fmt.Fprintf(&b, "not looked at: %s: %s\n", skipped.ID, skipped.Reason)
	}
	return b.String()
}

// healthy waits until nothing is found and nothing is left out.
func (s *site) healthy(t *testing.T) {
	t.Helper()
	s.eventually(t, "a healthy report", func() error {
		if r, code := s.examine(t); code != 0 || len(r.Findings)+len(r.Skipped) > 0 || len(r.Passed) == 0 {
			return fmt.Errorf("exit %d\n%s", code, r)
		}
		return nil
	})
}

func (s *site) eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	await.Success(t, patience, what, func() (struct{}, error) { return struct{}{}, try() })
}

// grantDoctor gives a user the rights of docs/doctor.md, and no others.
func (s *site) grantDoctor(t *testing.T) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(repository.Root(), "docs", "doctor.md"))
	must(t, err)
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	roles, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/doctor.md has no role")
	}
	must(t, s.ApplyYAML(t.Context(), roles+`
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: usher-doctor}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: usher-doctor}
subjects: [{kind: User, name: doctor}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: usher-doctor, namespace: usher-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: usher-doctor}
subjects: [{kind: User, name: doctor}]
`))
	s.user(t, "doctor")
}

// user writes a kubeconfig of a user's, named after it.
func (s *site) user(t *testing.T, name string) {
	t.Helper()
	config, err := s.As(name)
	must(t, err)
	s.kubeconfig(t, name, config)
}

func (s *site) kubeconfig(t *testing.T, name string, config *rest.Config) {
	t.Helper()
	must(t, controlplane.WriteKubeconfig(s.path(name+".kubeconfig"), config))
}

// startAgent runs usher-agent with a mock of a DGX H100, as the pod of its DaemonSet
// on the node with GPUs.
func (s *site) startAgent(t *testing.T) {
	t.Helper()
	const name = "usher-agent"
	binary, err := repository.Build(t.Context(), s.folder, name)
	must(t, err)
	must(t, s.ApplyYAML(t.Context(), `
apiVersion: v1
kind: Pod
metadata: {name: usher-agent-gpu-1, namespace: usher-system, labels: {app.kubernetes.io/name: usher-agent}}
spec:
  serviceAccountName: usher-agent
  nodeName: gpu-1
  containers: [{name: agent, image: "usher-agent:devel"}]
`))
	uid := s.kubectl(t, "get", "pod", "usher-agent-gpu-1", "-n", webhook.Namespace, "-o", "jsonpath={.metadata.uid}")
	config, err := s.AsServiceAccount(t.Context(), webhook.Namespace, name,
		&authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: "usher-agent-gpu-1", UID: types.UID(uid)})
	must(t, err)
	s.kubeconfig(t, name, config)
	process, err := controlplane.StartProcess(name, s.path(name+".log"), binary,
		"--source=mock:dgxh100", "--node-name=gpu-1", "--kubeconfig="+s.path(name+".kubeconfig"), "--probe-listen=", "--interval=1s")
	must(t, err)
	s.ends = append(s.ends, process.Kill)
	s.status(t, "daemonset", name, "{currentNumberScheduled: 1, desiredNumberScheduled: 1, numberMisscheduled: 0, numberReady: 1, numberAvailable: 1}")
}

func (s *site) path(name string) string { return filepath.Join(s.folder, name) }

func encoded(content []byte) string { return base64.StdEncoding.EncodeToString(content) }

func yamlToJSON(t *testing.T, text string) string {
	t.Helper()
	converted, err := yaml.YAMLToJSON([]byte(text))
	must(t, err)
	return string(converted)
}
