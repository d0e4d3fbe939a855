package engine

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const library = "# METADATA\n# title: lib\npackage usher.lib.words\n\nword := %q\n"

func usesLibrary(name string) string {
	return policyText(name, fmt.Sprintf("import data.usher.lib.words\n\ndeny contains {\"check\": %q, \"msg\": words.word}", name))
}

func says(name, message string) string {
	return policyText(name, fmt.Sprintf("deny contains {\"check\": %q, \"msg\": %q}", name, message))
}

func verdictOf(t testing.TB, sources ...fs.FS) string {
	t.Helper()
	set, err := Compile(configuration(t, ""), sources...)
	if err != nil {
		t.Fatal(err)
	}
	return summary(set.Validate(within(t, time.Minute), podInput(nil, nil)))
}

func TestALaterSourceReplacesPoliciesAndLibrariesWhole(t *testing.T) {
	embedded := fstest.MapFS{
		"a/a.rego":         {Data: []byte(says("a", "embedded a"))},
		"a/more.rego":      {Data: []byte("package usher.a\n\nwarn contains {\"check\": \"a\", \"msg\": \"embedded more\"}\n")},
		"a/a_test.rego":    {Data: []byte("package usher.a_test\n\nthis is not even Rego")},
		"b/b.rego":         {Data: []byte(usesLibrary("b"))},
		"lib/words.rego":   {Data: fmt.Appendf(nil, library, "embedded word")},
		"a/testdata/x.txt": {Data: []byte("no policy")},
	}
	for _, tt := range []struct {
		name string
		over fstest.MapFS
		want string
	}{
		{"nothing over it", fstest.MapFS{}, "a enforce: deny embedded a, warn embedded more\nb enforce: deny embedded word"},
		{"a policy, all of its files", fstest.MapFS{"a/a.rego": {Data: []byte(says("a", "own a"))}}, "a enforce: deny own a\nb enforce: deny embedded word"},
		{"a file of another name", fstest.MapFS{"x/y/z.rego": {Data: []byte(says("a", "own a"))}}, "a enforce: deny own a\nb enforce: deny embedded word"},
		{"a library", fstest.MapFS{"words.rego": {Data: fmt.Appendf(nil, library, "own word")}}, "a enforce: deny embedded a, warn embedded more\nb enforce: deny own word"},
		{"a policy more", fstest.MapFS{"c.rego": {Data: []byte(usesLibrary("c"))}}, "a enforce: deny embedded a, warn embedded more\nb enforce: deny embedded word\nc enforce: deny embedded word"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, verdictOf(t, embedded, tt.over)); diff != "" {
				t.Error("verdict (-want +got):\n" + diff)
			}
		})
	}
}

// mountConfigMap lays a folder out as the kubelet mounts a ConfigMap: files that
// are links into ..data, which is a link to a folder of its own for each version.
func mountConfigMap(t testing.TB, dir, version string, files map[string]string) {
	t.Helper()
	behind := filepath.Join(dir, "..2026_"+version)
	must(t, os.MkdirAll(behind, 0o755))
	for name, text := range files {
		must(t, os.WriteFile(filepath.Join(behind, name), []byte(text), 0o644))
	}
	before, _ := os.Readlink(filepath.Join(dir, "..data"))
	must(t, os.Symlink(filepath.Base(behind), filepath.Join(dir, "..data_tmp")))
	must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	if before != "" {
		must(t, os.RemoveAll(filepath.Join(dir, before)))
	}
}

func TestAMountedConfigMapIsReadOnce(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []string{"one", "two"} {
		mountConfigMap(t, dir, version, map[string]string{"a.rego": says("a", version), "words.rego": fmt.Sprintf(library, version), "b.rego": usesLibrary("b")})
		if got, want := verdictOf(t, os.DirFS(dir)), "a enforce: deny "+version+"\nb enforce: deny "+version; got != want {
			t.Errorf("verdict %q, want %q", got, want)
		}
	}
}

func TestSourcesThatCannotBeReadAreRefused(t *testing.T) {
	write := func(t *testing.T, name, text string) string {
		dir := t.TempDir()
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		return dir
	}
	for _, tt := range []struct {
		name string
		dir  func(t *testing.T) string
		want string
	}{
		{"a folder that is not there", func(t *testing.T) string { return filepath.Join(t.TempDir(), "nothing") }, "read policies:"},
		{"a file instead of a folder", func(t *testing.T) string { return filepath.Join(write(t, "a.rego", says("a", "x")), "a.rego") }, "read policies:"},
		{"a link to nothing", func(t *testing.T) string {
			dir := t.TempDir()
			must(t, os.Symlink("nothing", filepath.Join(dir, "a.rego")))
			return dir
		}, "read policies: stat a.rego:"},
		{"a link in a circle", func(t *testing.T) string {
			dir := t.TempDir()
			must(t, os.Symlink(".", filepath.Join(dir, "again")))
			return dir
		}, "read policies:"},
		{"a pipe", func(t *testing.T) string {
			dir := t.TempDir()
			must(t, syscall.Mkfifo(filepath.Join(dir, "a.rego"), 0o644))
			return dir
		}, "read policies: a.rego is not a regular file"},
		{"a device without an end", func(t *testing.T) string {
			dir := t.TempDir()
			must(t, os.Symlink("/dev/zero", filepath.Join(dir, "a.rego")))
			return dir
		}, "read policies: a.rego is not a regular file"},
		{"20 MB", func(t *testing.T) string { return write(t, "a.rego", says("a", "x")+strings.Repeat("# \n", 7<<20)) }, "read policies: more than 16 MiB of Rego"},
		{"a terabyte of nothing", func(t *testing.T) string {
			dir := write(t, "a.rego", "")
			must(t, os.Truncate(filepath.Join(dir, "a.rego"), 1<<40))
			return dir
		}, "read policies: more than 16 MiB of Rego"},
		{"too many folders in each other", func(t *testing.T) string { return write(t, "1/2/3/4/5/6/7/8/9/a.rego", says("a", "x")) }, "is more than 8 folders deep"},
		{"text that is not UTF-8", func(t *testing.T) string { return write(t, "a.rego", says("a", "x")+"# \xff\xfe\n") }, "a.rego:"},
		{"NUL bytes", func(t *testing.T) string { return write(t, "a.rego", says("a", "x")+"\x00") }, "a.rego:"},
		{"two METADATA", func(t *testing.T) string {
			dir := write(t, "a.rego", says("a", "x"))
			must(t, os.WriteFile(filepath.Join(dir, "b.rego"), []byte(strings.Replace(says("a", "y"), "deny", "warn", 1)), 0o644))
			return dir
		}, "b.rego:1: rego_type_error: package annotation redeclared: a.rego:1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := Compile(configuration(t, ""), os.DirFS(tt.dir(t)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %.500v, want %q", err, tt.want)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("refused after %s", took)
			}
		})
	}
}

func TestAFolderThatMayNotBeReadIsRefused(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read every folder")
	}
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "a"), 0))
	_, err := Compile(configuration(t, ""), os.DirFS(dir))
	if err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Error("error", err)
	}
}

func TestHiddenAndOtherFilesArePassedOver(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.rego"), []byte(says("a", "x")), 0o644))
	for _, name := range []string{".a.rego.swp", ".#a.rego", "a.rego~", "4913", "README.md", "a_test.rego", "data.json"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("no Rego"), 0o644))
	}
	must(t, os.Symlink("nobody@nowhere:1", filepath.Join(dir, ".#b.rego")))
	if got := verdictOf(t, os.DirFS(dir)); got != "a enforce: deny x" {
		t.Errorf("verdict %q", got)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
