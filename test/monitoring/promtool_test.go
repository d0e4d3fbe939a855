package monitoring

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

// promtool is Prometheus' own, built once, without its service discoveries.
var promtool = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "usher-promtool-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "promtool")
	build := exec.Command("go", "build", "-tags", "remove_all_sd", "-o", path, "github.com/prometheus/prometheus/cmd/promtool")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	return path, build.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := promtool(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// run runs promtool in a folder.
func run(t *testing.T, folder string, arguments ...string) {
	t.Helper()
	path, err := promtool()
	must(t, err)
	command := exec.CommandContext(t.Context(), path, arguments...)
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", arguments, err, output)
	}
}

// group is a group of rules, as Prometheus reads it.
type group struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

// rule is a rule that records or alerts.
type rule struct {
	Record      string            `yaml:"record,omitempty"`
	Alert       string            `yaml:"alert,omitempty"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// rules are those of manifests/monitoring/rules.yaml.
func rules(t *testing.T) []rule {
	t.Helper()
	var all []rule
	for _, g := range groups(t) {
		all = append(all, g.Rules...)
	}
	return all
}

func groups(t *testing.T) []group {
	t.Helper()
	text, err := os.ReadFile(inManifests("rules.yaml"))
	must(t, err)
	var manifest struct {
		Spec struct {
			Groups []group `yaml:"groups"`
		} `yaml:"spec"`
	}
	must(t, yaml.Unmarshal(text, &manifest))
	if len(manifest.Spec.Groups) == 0 {
		t.Fatal("no groups of rules")
	}
	return manifest.Spec.Groups
}

func inManifests(name string) string {
	return filepath.Join("..", "..", "manifests", "monitoring", name)
}

// write writes a value as YAML.
func write(t *testing.T, path string, value any) {
	t.Helper()
	text, err := yaml.Marshal(value)
	must(t, err)
	must(t, os.WriteFile(path, text, 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
