package policytest

import (
	"context"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/cmd/usher/scaffold"
	"usher.dev/usher/internal/engine"
)

// newPolicy is a folder with a new policy, whose files a test then changes.
func newPolicy(t *testing.T, changes func(fstest.MapFS)) fstest.MapFS {
	t.Helper()
	dir := t.TempDir()
	if _, err := scaffold.New(dir, "tags"); err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(os.DirFS(dir), name)
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if changes != nil {
		changes(files)
	}
	return files
}

func replace(t *testing.T, files fstest.MapFS, name, old, with string) {
	t.Helper()
	text := string(files[name].Data)
	if !strings.Contains(text, old) {
		t.Fatalf("%s has no %q", name, old)
	}
	files[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, old, with))}
}

// failures lists what keeps a result from passing, each by its first line.
func failures(r Result) []string {
	var lines []string
	add := func(text string) {
		line, _, _ := strings.Cut(text, "\n")
		lines = append(lines, line)
	}
	for _, t := range r.Tests {
		if t.Outcome != engine.Passed {
			add(string(t.Outcome) + " " + t.Policy + "/" + t.Name)
		}
	}
	for _, f := range r.Fixtures {
		if f.Failure != "" {
			add(f.Name + ": " + f.Failure)
		}
	}
	for _, m := range r.Missing {
		add(m)
	}
	return lines
}

func TestRun(t *testing.T) {
	const (
		rego     = "tags/tags.rego"
		unit     = "tags/tags_test.rego"
		clean    = "tags/testdata/clean.txtar"
		violates = "tags/testdata/image-tag.txtar"
	)
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, files fstest.MapFS)
		want   []string
	}{
		{"a policy as it is made passes", func(*testing.T, fstest.MapFS) {}, nil},
		{"a unit test that fails", func(t *testing.T, files fstest.MapFS) {
			replace(t, files, unit, `_violations("registry.example:5000/team/app") == {"/spec/containers/0/image"}`, `_violations("app") == set()`)
		}, []string{"failed tags/test_no_tag_is_the_tag_latest"}},
		{"a unit test that is put off is no failure of its own", func(t *testing.T, files fstest.MapFS) {
			replace(t, files, unit, "test_no_tag", "todo_test_no_tag")
		}, []string{"skipped tags/todo_test_no_tag_is_the_tag_latest"}},
		{
			"no unit tests", func(_ *testing.T, files fstest.MapFS) { delete(files, unit) },
			[]string{"no unit test; write rules named test_… in tags/tags_test.rego, package usher.tags_test"},
		},
		{
			"no clean fixture", func(_ *testing.T, files fstest.MapFS) { delete(files, clean) },
			[]string{"no fixture in tags/testdata shows an object without a violation"},
		},
		{
			"no violating fixture", func(_ *testing.T, files fstest.MapFS) { delete(files, violates) },
			[]string{"no fixture in tags/testdata shows a violation of the check image-tag"},
		},
		{"another verdict", func(t *testing.T, files fstest.MapFS) {
			replace(t, files, violates, "tomorrow", "today")
		}, []string{"image-tag: the verdict is another (- wanted, + got):"}},
		{"no verdict", func(_ *testing.T, files fstest.MapFS) {
			before, _, _ := strings.Cut(string(files[clean].Data), "-- verdict.yaml")
			files[clean] = &fstest.MapFile{Data: []byte(before)}
		}, []string{
			"clean: no verdict.yaml; `usher test --update` writes it, and then read what it wrote:",
			"no fixture in tags/testdata shows an object without a violation",
		}},
		{"a broken fixture", func(t *testing.T, files fstest.MapFS) {
			replace(t, files, clean, "spec:", "spek:")
		}, []string{
			`clean: tags/testdata/clean.txtar/object.yaml:5:1: unknown field "spek"`,
			"no fixture in tags/testdata shows an object without a violation",
		}},
		{"a check that is not declared", func(t *testing.T, files fstest.MapFS) {
			replace(t, files, violates, "check: image-tag", "check: other")
		}, []string{
			"image-tag: the verdict is another (- wanted, + got):",
			"no fixture in tags/testdata shows a violation of the check image-tag",
			"a fixture wants the check other, which METADATA custom.checks does not declare",
		}},
		{"patch rules without a fixture that shows a patch", func(t *testing.T, files fstest.MapFS) {
			replace(t, files, rego, "deny contains", `patch contains {"op": "add", "path": "/metadata/labels", "value": {}} if input.params.forbidden_tags == []

deny contains`)
		}, []string{"no fixture in tags/testdata shows a patch, and the policy has patch rules"}},
		{"a kind that usher is not asked about", func(t *testing.T, files fstest.MapFS) {
			replace(t, files, clean, "kind: Pod", "kind: ConfigMap")
			replace(t, files, clean, "spec:\n  containers:\n  - name: app\n    image: registry.example/team/app:1.2.3\n", "")
		}, []string{"clean: usher is not asked about a ConfigMap of this group; config.yaml may name its podTemplates"}},
		{"surroundings that are not looked up", func(t *testing.T, files fstest.MapFS) {
			replace(t, files, clean, "-- verdict", "-- objects.yaml --\napiVersion: v1\nkind: ConfigMap\n-- verdict")
		}, []string{"clean: objects.yaml holds a ConfigMap; only Namespaces, Tenants and QuotaLedgers are looked up"}},
		{"a custom resource whose template is configured", func(t *testing.T, files fstest.MapFS) {
			replace(t, files, clean, "apiVersion: v1\nkind: Pod", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout")
			replace(t, files, clean, "-- verdict", "-- config.yaml --\npodTemplates:\n- {group: argoproj.io, kind: Rollout, paths: [template]}\n-- verdict")
			replace(t, files, clean, "spec:\n  containers:", "template:\n spec:\n  containers:")
			replace(t, files, clean, "image: registry.example/team/app:1.2.3", "image: app")
		}, []string{
			"clean: the verdict is another (- wanted, + got):",
		}},
		{"a parameter that is not declared", func(t *testing.T, files fstest.MapFS) {
			replace(t, files, clean, "-- verdict", "-- params.yaml --\ntags: []\n-- verdict")
		}, []string{`clean: policy tags: policy tags has no parameter "tags"; it has [forbidden_tags]`}},
		{"a policy that errors", func(t *testing.T, files fstest.MapFS) {
			replace(t, files, rego, "tag in input", "to_number(container.image) > 0\n\ttag in input")
		}, []string{
			"failed tags/test_the_tag_latest_is_denied", "failed tags/test_no_tag_is_the_tag_latest", "failed tags/test_every_list_of_containers_is_judged",
			"clean: policy tags: evaluate: tags/tags.rego:20: eval_builtin_error: to_number: ",
			"image-tag: policy tags: evaluate: tags/tags.rego:20: eval_builtin_error: to_number: ",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := newPolicy(t, nil)
			tt.change(t, files)
			results, err := Run(context.Background(), Options{FS: files})
			if err != nil {
				t.Fatal(err)
			}
			got := failures(results[0])
			for i := range got {
				if i < len(tt.want) && strings.HasPrefix(got[i], tt.want[i]) {
					got[i] = tt.want[i]
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			skippedOnly := len(got) > 0 && strings.HasPrefix(got[0], "skipped")
			if passed := results[0].Passed(); passed != (len(got) == 0 || skippedOnly) {
				t.Errorf("Passed() = %v with %v", passed, got)
			}
		})
	}
}

func TestFixturesHaveTheirSurroundings(t *testing.T) {
	files := newPolicy(t, func(files fstest.MapFS) {
		files["tags/tags.rego"] = &fstest.MapFile{Data: []byte(`# METADATA
# title: Everything
# custom:
#   checks: {seen: says what it sees}
#   parameters: {word: {description: a word, default: none}}
package usher.tags

deny contains {"check": "seen", "msg": msg} if {
	msg := sprintf("%v %v %v %v %v %v %v %v", [
		input.params.word, input.request.operation, input.request.subResource, input.request.userInfo.username,
		input.request.namespace, input.namespace.metadata.labels.tenant, input.tenant.spec.gpu.perPod,
		input.old_pod.spec.nodeName,
	])
}

patch contains {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}} if input.pod.metadata.namespace == "default"
`)}
		files["tags/testdata/seen.txtar"] = &fstest.MapFile{Data: []byte(`Everything around an object.
-- object.yaml --
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: team-a}
spec: {nodeName: b, containers: []}
-- old.yaml --
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: team-a}
spec: {nodeName: a, containers: []}
-- objects.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: team-a, labels: {tenant: a}}
---
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: a}
spec: {gpu: {perPod: 2}}
-- request.yaml --
subResource: ephemeralcontainers
userInfo: {username: eve}
-- params.yaml --
word: hello
-- verdict.yaml --
deny:
  - {check: seen, msg: hello UPDATE ephemeralcontainers eve team-a a 2 a}
`)}
		files["tags/testdata/patch.txtar"] = &fstest.MapFile{Data: []byte(`A pod is mutated before it is judged.
-- object.yaml --
apiVersion: v1
kind: Pod
metadata: {name: p}
-- verdict.yaml --
patch:
  - {op: add, path: /metadata/labels, value: {a: b}}
`)}
		delete(files, "tags/testdata/clean.txtar")
		delete(files, "tags/testdata/image-tag.txtar")
		delete(files, "tags/tags_test.rego")
	})
	results, err := Run(context.Background(), Options{FS: files, Names: regexp.MustCompile(`^tags/`)})
	if err != nil {
		t.Fatal(err)
	}
	if got := failures(results[0]); got != nil || len(results[0].Fixtures) != 2 {
		t.Errorf("%q\n%+v", got, results[0].Fixtures)
	}
}

func TestNamesSelect(t *testing.T) {
	var asked []string
	results, err := Run(context.Background(), Options{
		FS: newPolicy(t, nil), Names: regexp.MustCompile("tags/(clean|test_no_)"),
		Progress: func(what string) { asked = append(asked, what) },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := results[0]
	if len(r.Tests) != 1 || len(r.Fixtures) != 1 || r.Complete || !r.Passed() {
		t.Errorf("%+v", r)
	}
	if diff := cmp.Diff([]string{"unit tests", "tags/clean"}, asked); diff != "" {
		t.Errorf("progress (-want +got)\n%s", diff)
	}
}

func TestWriteUpdatesWhatDiffersAlone(t *testing.T) {
	files := newPolicy(t, func(files fstest.MapFS) {
		replace(t, files, "tags/testdata/image-tag.txtar", "another image tomorrow", "some image")
	})
	right := strings.ReplaceAll(string(files["tags/testdata/image-tag.txtar"].Data), "some image", "another image tomorrow")
	written := map[string]string{}
	results, err := Run(context.Background(), Options{FS: files, Write: func(name string, data []byte) error {
		written[name] = string(data)
		return nil
	}})
	if err != nil || !results[0].Passed() {
		t.Fatalf("%+v, %v", results, err)
	}
	if diff := cmp.Diff(map[string]string{"tags/testdata/image-tag.txtar": right}, written); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatCannotBeTested(t *testing.T) {
	broken := newPolicy(t, func(files fstest.MapFS) { replace(t, files, "tags/tags.rego", "deny contains", "deny contain") })
	other := newPolicy(t, func(files fstest.MapFS) {
		replace(t, files, "tags/tags.rego", "package usher.tags", "package usher.other")
	})
	for _, tt := range []struct {
		name string
		o    Options
		want string
	}{
		{"an empty folder", Options{FS: fstest.MapFS{}}, "there is no policy here"},
		{"a name that is none", Options{FS: newPolicy(t, nil), Only: []string{"gone"}}, "there is no policy gone here; there are tags"},
		{"Rego that cannot be parsed", Options{FS: broken}, "tags/tags.rego:"},
		{"a package that is not named after its folder", Options{FS: other}, "policy tags: the folder must hold the package usher.tags, and no other policy"},
	} {
		if _, err := Run(context.Background(), tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}
