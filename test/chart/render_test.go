// Package chart holds the Helm chart and the kustomizations against each other, and
// against what usher's programs take.
package chart

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

const (
	root      = "../.."
	chartPath = "manifests/chart"
	namespace = "usher-system"
)

// profiles are the values files of the chart, each of which is an overlay too.
var profiles = []string{"cert-manager", "dev", "production"}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tool finds one of the tools that tools/go.mod pins.
var tool = func() func(name string) (string, error) {
	var mu sync.Mutex
	found := map[string]string{}
	return func(name string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if path, ok := found[name]; ok {
			return path, nil
		}
		command := exec.CommandContext(context.Background(), "go", "tool", "-n", "-modfile=tools/go.mod", name)
		command.Dir = root
		var complaint bytes.Buffer
		command.Stderr = &complaint
		path, err := command.Output()
		if err != nil {
			return "", fmt.Errorf("build %s: %w: %s", name, err, complaint.String())
		}
		found[name] = strings.TrimSpace(string(path))
		return found[name], nil
	}
}()

// read opens every manifest: Go's test cache does not see what helm and kustomize
// read.
var read = sync.OnceValue(func() error {
	return filepath.WalkDir(filepath.Join(root, "manifests"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		_, err = os.ReadFile(path)
		return err
	})
})

// run runs a tool in the root of the repository.
func run(t testing.TB, name string, args ...string) (output string, err error) {
	t.Helper()
	must(t, read())
	path, err := tool(name)
	must(t, err)
	command := exec.CommandContext(t.Context(), path, args...)
	command.Dir = root
	// Of the user who runs the tests, nothing counts.
	command.Env = append(os.Environ(), "HELM_NO_PLUGINS=1", "HELM_CONFIG_HOME="+t.TempDir(), "HELM_DATA_HOME="+t.TempDir())
	var out, complaint bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, complaint.String())
	}
	return out.String(), nil
}

// object is one of a rendered manifest.
type object = map[string]any

// decode reads the objects of YAML documents.
func decode(t testing.TB, text string) []object {
	t.Helper()
	var objects []object
	for document := range strings.SplitSeq("\n"+text, "\n---") {
		var o object
		must(t, yaml.Unmarshal([]byte(document), &o))
		if len(o) > 0 {
			objects = append(objects, o)
		}
	}
	return objects
}

// render renders the chart.
func render(t testing.TB, args ...string) []object {
	t.Helper()
	text, err := run(t, "helm", append([]string{"template", "usher", chartPath, "-n", namespace}, args...)...)
	must(t, err)
	return decode(t, text)
}

// build builds a kustomization below manifests/.
func build(t testing.TB, path string) []object {
	t.Helper()
	text, err := run(t, "kustomize", "build", filepath.Join("manifests", path))
	must(t, err)
	return decode(t, text)
}

// profile is the flag that names the values file of a profile.
func profile(name string) []string { return []string{"-f", filepath.Join(chartPath, "profiles", name+".yaml")} }

// value is what stands at a path of an object, nil if nothing does. Elements of
// lists are found by their names.
func value(o any, path ...string) any {
	for _, step := range path {
		switch at := o.(type) {
		case map[string]any:
			o = at[step]
		case []any:
			o = nil
			for _, element := range at {
				if named, ok := element.(map[string]any); ok && named["name"] == step {
					o = named
				}
			}
		default:
			return nil
		}
	}
	return o
}

func text(o any, path ...string) string {
	s, _ := value(o, path...).(string)
	return s
}

func kind(o object) string { return text(o, "kind") }
func name(o object) string { return text(o, "metadata", "name") }

// find returns the object of that kind and name, nil if there is none.
func find(objects []object, k, n string) object {
	for _, o := range objects {
		if kind(o) == k && name(o) == n {
			return o
		}
	}
	return nil
}

// isHook reports whether Helm runs an object as a hook, instead of installing it.
func isHook(o object) bool { return text(o, "metadata", "annotations", "helm.sh/hook") != "" }

// as reads an object as a type.
func as[T any](t testing.TB, o object) T {
	t.Helper()
	var typed T
	must(t, runtime.DefaultUnstructuredConverter.FromUnstructured(o, &typed))
	return typed
}

// files are the YAML files in a folder, and what is in them.
func files(t testing.TB, folder string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	must(t, err)
	contents := map[string]string{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		must(t, err)
		contents[filepath.Base(path)] = string(content)
	}
	return contents
}
