package scaffold_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/cmd/usher/policytest"
	"usher.dev/usher/cmd/usher/scaffold"
)

func TestANewPolicyPassesItsTests(t *testing.T) {
	dir := t.TempDir()
	written, err := scaffold.New(dir, "no_latest_tag")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"no_latest_tag.rego", "no_latest_tag_test.rego", "testdata/clean.txtar", "testdata/image-tag.txtar"}
	for i, file := range written {
		written[i] = strings.TrimPrefix(filepath.ToSlash(file), filepath.ToSlash(dir)+"/no_latest_tag/")
	}
	if diff := cmp.Diff(want, written); diff != "" {
		t.Errorf("files (-want +got)\n%s", diff)
	}
	results, err := policytest.Run(context.Background(), policytest.Options{FS: os.DirFS(dir)})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 1 || !results[0].Passed() || results[0].Coverage.Percent() != 100 {
		t.Errorf("tests of a new policy: %+v", results)
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := scaffold.New(dir, "mine"); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("New over a folder: %v", err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "mine"))
	if err != nil || len(entries) > 0 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestNamesThatAreNone(t *testing.T) {
	for _, name := range []string{"", "Upper", "has-dash", "_a", "a__b", "../up", "lib", strings.Repeat("a", 64)} {
		if _, err := scaffold.New(t.TempDir(), name); err == nil || !strings.Contains(err.Error(), "cannot be a policy's name") {
			t.Errorf("New(%q): %v", name, err)
		}
	}
}
