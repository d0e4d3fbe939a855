package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"usher.dev/usher/internal/golden"
)

// usher runs a command line and returns its exit code and what it printed.
func usher(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = Execute(context.Background(), args, strings.NewReader(stdin), &out, &errOut)
	return code, out.String(), errOut.String()
}

// transcript is what a terminal would show of a command, with the exit code.
func transcript(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	code, stdout, stderr := usher(t, stdin, args...)
	return fmt.Sprintf("$ usher %s\n%s-- stderr --\n%s-- exit %d --\n", strings.Join(args, " "), stdout, stderr, code)
}

// byTestPolicies reviews by policies that are made for tests, and no others.
var byTestPolicies = []string{"--config", "../review/testdata/config.yaml", "--policy-dir", "../review/testdata/policies"}

func TestTranscripts(t *testing.T) {
	review := func(args ...string) []string { return append(append([]string{"review"}, args...), byTestPolicies...) }
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"help", []string{"--help"}},
		{"help-review", []string{"review", "--help"}},
		{"help-test", []string{"test", "--help"}},
		{"help-policy", []string{"policy"}},
		{"help-policy-new", []string{"policy", "new", "--help"}},
		{"help-preflight", []string{"preflight", "--help"}},
		{"help-unregister", []string{"unregister", "--help"}},
		{"unknown-command", []string{"reviw"}},
		{"preflight-unknown-occasion", []string{"preflight", "--for", "delete"}},
		{"preflight-unknown-mode", []string{"preflight", "--cert-mode", "vault"}},
		{"preflight-without-a-cluster", []string{"preflight", "--kubeconfig", "nothing"}},
		{"unregister-arguments", []string{"unregister", "usher-webhook"}},
		{"unregister-without-time", []string{"unregister", "--timeout", "0s"}},
		{"unknown-subcommand", []string{"policy", "lst"}},
		{"unknown-flag", []string{"review", "--fiel", "x"}},
		{"review-without-files", []string{"review"}},
		{"review-arguments", []string{"review", "pod.yaml"}},
		{"review-unknown-format", []string{"review", "-f", "x", "-o", "xml"}},
		{"review-server-and-policies", []string{"review", "-f", "x", "--server", "https://localhost", "--policy-dir", "p"}},
		{"review-ca-without-server", []string{"review", "-f", "x", "--server-ca", "p"}},
		{"review-violations", review("-f", "testdata/manifests/violations.yaml")},
		{"review-json", review("-f", "testdata/manifests/violations.yaml", "-o", "json")},
		{"review-github", review("-f", "testdata/manifests", "-o", "github")},
		{"review-clean", review("-f", "testdata/manifests/clean.json")},
		{"review-clean-json", review("-f", "testdata/manifests/clean.json", "-o", "json")},
		{"review-warnings-alone", review("-f", "testdata/manifests/warning.yaml")},
		{"review-namespace", review("-f", "testdata/manifests/namespace.yaml")},
		{"review-namespace-as", review("-f", "testdata/manifests/namespace.yaml", "--as", "me", "--as-group", "platform")},
		{"review-gpunode", []string{"review", "-f", "testdata/gpunode.yaml"}},
		{"review-gpunode-as", []string{"review", "-f", "testdata/gpunode.yaml", "--as", "root", "--as-group", "system:masters"}},
		{"review-broken", review("-f", "testdata/manifests/broken.yaml", "-f", "testdata/manifests/gone.yaml")},
		{"review-broken-configuration", []string{"review", "-f", "testdata/manifests", "--config", "testdata/manifests/clean.json"}},
		{"test-names-that-match-nothing", []string{"test", "../review/testdata/policies", "--run", "nothing"}},
		{"test-bad-pattern", []string{"test", "--run", "("}},
		{"test-update-embedded", []string{"test", "--update"}},
		{"test-no-folder", []string{"test", "testdata/gone"}},
		{"test-file", []string{"test", "cli_test.go"}},
		{"test-failures", []string{"test", "testdata/policies"}},
		{"test-verbose", []string{"test", "testdata/policies/good", "-v"}},
		{"help-doctor", []string{"doctor", "--help"}},
		{"doctor-arguments", []string{"doctor", "usher-system"}},
		{"doctor-unknown-format", []string{"doctor", "-o", "yaml"}},
		{"doctor-files-and-cluster", []string{"doctor", "-f", "x", "--context", "y"}},
		{"doctor-no-time", []string{"doctor", "--timeout", "0s"}},
		{"doctor-nothing", []string{"doctor", "-f", "testdata/manifests/violations.yaml", "-f", "testdata/gone.yaml"}},
		{"doctor-lockout", []string{"doctor", "-f", "testdata/doctor/lockout.yaml"}},
		{"doctor-lockout-json", []string{"doctor", "-f", "testdata/doctor/lockout.yaml", "-o", "json"}},
		{"doctor-warning", []string{"doctor", "-f", "testdata/doctor/warning.yaml"}},
		{"doctor-warning-strict", []string{"doctor", "-f", "testdata/doctor/warning.yaml", "--strict"}},
		{"help-topo", []string{"topo", "--help"}},
		{"topo", []string{"topo", "-f", "../../../testdata/gpunodes/half-nvlinked.yaml"}},
		{"topo-two", []string{"topo", "-f", "../../../testdata/gpunodes/gb200-tray.yaml", "-f", "../../../testdata/gpunodes/a100-mixed-mig.yaml"}},
		{"topo-unhealthy", []string{"topo", "-f", "../../../testdata/gpunodes/dgx-a100.yaml"}},
		{"topo-json", []string{"topo", "-f", "../../../testdata/gpunodes/a100-mixed-mig.yaml", "-o", "json"}},
		{"topo-no-gpunode", []string{"topo", "-f", "testdata/manifests/clean.json"}},
		{"topo-no-file", []string{"topo", "-f", "testdata/gone.yaml"}},
		{"topo-unknown-format", []string{"topo", "-f", "x", "-o", "yaml"}},
		{"topo-file-and-node", []string{"topo", "-f", "x", "node-1"}},
		{"topo-file-and-cluster", []string{"topo", "-f", "x", "--context", "prod"}},
		{"topo-no-kubeconfig", []string{"topo", "--kubeconfig", "testdata/gone.yaml"}},
		{"policy-list-unknown-format", []string{"policy", "list", "-o", "yaml"}},
		{"policy-new-bad-name", []string{"policy", "new", "No-Dashes"}},
		{"policy-new-without-name", []string{"policy", "new"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			golden.Check(t, filepath.Join("transcripts", tt.name), transcript(t, "", tt.args...))
		})
	}
}

func TestReviewOfStandardInput(t *testing.T) {
	code, stdout, stderr := usher(t, "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: bad}]}\n",
		append([]string{"review", "-f", "-"}, byTestPolicies...)...)
	if code != 1 || !strings.HasPrefix(stdout, "<stdin>:3:") || stderr != "" {
		t.Errorf("exit %d\n%s\n%s", code, stdout, stderr)
	}
}

func TestReviewAsSARIF(t *testing.T) {
	code, stdout, _ := usher(t, "", append([]string{"review", "-f", "testdata/manifests/violations.yaml", "-o", "sarif"}, byTestPolicies...)...)
	log, err := sarif.FromBytes([]byte(stdout), sarif.WithStrictValidation())
	if code != 1 || err != nil {
		t.Fatalf("exit %d, %v", code, err)
	}
	rule := log.Runs[0].Tool.Driver.Rules[log.Runs[0].Results[1].RuleIndex]
	if *rule.ID != "words/image" || *rule.ShortDescription.Text != "containers run allowed images" {
		t.Errorf("the rule of the second result is %+v", rule)
	}
}

func TestPolicyListAsTable(t *testing.T) {
	_, stdout, _ := usher(t, "", append([]string{"policy", "list"}, byTestPolicies...)...)
	rows := strings.Split(stdout, "\n")
	for _, want := range [][]string{
		{"NAME", "MODE", "SEVERITY", "MUTATES", "CHECKS", "TITLE"},
		{"words", "enforce", "low", "yes", "4", "Words"},
	} {
		if !slices.ContainsFunc(rows, func(row string) bool { return slices.Equal(strings.Fields(row), want) }) {
			t.Errorf("no row %v in\n%s", want, stdout)
		}
	}
}

func TestPolicyNewTestAndReview(t *testing.T) {
	dir := t.TempDir()
	code, stdout, stderr := usher(t, "", "policy", "new", "tags", "--dir", dir)
	if code != 0 || !strings.Contains(stdout, "usher test "+filepath.Join(dir, "tags")) {
		t.Fatalf("new: exit %d\n%s\n%s", code, stdout, stderr)
	}
	if code, stdout, _ = usher(t, "", "test", filepath.Join(dir, "tags")); code != 0 || stdout != "ok    tags                6 unit tests    2 fixtures    100.0 % covered\n" {
		t.Errorf("test: exit %d\n%s", code, stdout)
	}
	if code, _, stderr = usher(t, "", "policy", "new", "tags", "--dir", dir); code != 2 || !strings.Contains(stderr, "is there already") {
		t.Errorf("new again: exit %d\n%s", code, stderr)
	}
	fixture := filepath.Join(dir, "tags", "testdata", "clean.txtar")
	before, err := os.ReadFile(fixture)
	if err != nil {
		t.Fatal(err)
	}
	wrong := bytes.Replace(before, []byte("{}"), []byte("deny: [{check: image-tag, msg: x}]"), 1)
	if err := os.WriteFile(fixture, wrong, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ = usher(t, "", "test", dir); code != 1 || !strings.Contains(stdout, "-   - check: image-tag") {
		t.Errorf("test of a wrong fixture: exit %d\n%s", code, stdout)
	}
	if code, stdout, _ = usher(t, "", "test", dir, "--update"); code != 0 || !strings.Contains(stdout, "written tags/clean") {
		t.Errorf("update: exit %d\n%s", code, stdout)
	}
	after, err := os.ReadFile(fixture)
	if diff := cmp.Diff(string(before), string(after)); err != nil || diff != "" {
		t.Errorf("the fixture after the update (-before +after) %v\n%s", err, diff)
	}
	pod := "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: app}]}\n"
	if code, stdout, _ = usher(t, pod, "review", "-f", "-", "--policy-dir", dir); code != 1 || !strings.Contains(stdout, "[tags/image-tag]") {
		t.Errorf("review: exit %d\n%s", code, stdout)
	}
}

func TestPolicyDocs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policies.md")
	if code, _, stderr := usher(t, "", "policy", "docs", "-o", file, "--policy-dir", "testdata/policies/good/.."); code != 0 {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, printed, _ := usher(t, "", "policy", "docs", "--policy-dir", "testdata/policies")
	if printed != string(written) || !strings.Contains(printed, "\n## good\n") {
		t.Errorf("what is written is not what is printed, or lacks the policy:\n%.500s", printed)
	}
	if code, _, stderr := usher(t, "", "policy", "docs", "--policy-dir", "testdata/gone"); code != 2 || !strings.Contains(stderr, "read policies") {
		t.Errorf("no such folder: exit %d\n%s", code, stderr)
	}
}

func TestPolicyListAsJSON(t *testing.T) {
	_, stdout, stderr := usher(t, "", append([]string{"policy", "list", "-o", "json"}, byTestPolicies...)...)
	var list []listed
	if err := json.Unmarshal([]byte(stdout), &list); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	for _, p := range list {
		if p.Name == "words" {
			if p.Mode != "enforce" || !p.Mutates || len(p.Checks) != 4 || p.Title != "Words" {
				t.Errorf("%+v", p)
			}
			return
		}
	}
	t.Errorf("the policy words is not listed:\n%s", stdout)
}

func TestVersion(t *testing.T) {
	code, stdout, _ := usher(t, "", "version")
	if code != 0 || !strings.HasPrefix(stdout, "usher ") || strings.Contains(stdout, "OPA \n") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}

func TestColoursAreForTerminals(t *testing.T) {
	var b bytes.Buffer
	if colored(&b) {
		t.Error("a buffer is no terminal")
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil || !isTerminal(terminal) {
		t.Skipf("no terminal can be made here: %v", err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if !colored(terminal) {
		t.Error("a terminal has colours")
	}
	t.Setenv("NO_COLOR", "1")
	if colored(terminal) {
		t.Error("NO_COLOR is set")
	}
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	if colored(terminal) {
		t.Error("a dumb terminal has no colours")
	}
}

func TestInterruption(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errOut bytes.Buffer
	args := append([]string{"review", "-f", "testdata/manifests/clean.json"}, byTestPolicies...)
	if code := Execute(ctx, args, nil, &out, &errOut); code != 2 || errOut.String() != "usher: interrupted\n" {
		t.Errorf("exit %d\n%s", code, errOut.String())
	}
}
