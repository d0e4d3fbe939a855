package manifest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, text string) ([]*Object, []*Problem) {
	t.Helper()
	file, err := NewFile("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Read(file)
}

// compact shows objects as JSON, one a line, and problems below them.
func compact(objects []*Object, problems []*Problem) []string {
	var lines []string
	for _, o := range objects {
		text, _ := json.Marshal(o.Value)
		at := o.Position("")
		lines = append(lines, fmt.Sprintf("%d:%d %s", at.Line, at.Column, text))
	}
	for _, p := range problems {
		lines = append(lines, p.Error())
	}
	return lines
}

func TestRead(t *testing.T) {
	const x = `apiVersion: v1
kind: X
`
	tests := []struct {
		name string
		text string
		want []string
	}{
		{"an empty file has no objects", "", nil},
		{"a file of comments and markers has no objects", "# a\n---\n# b\n--- # c\n\n...\n---\n", nil},
		{"a null document is skipped", "---\nnull\n---\n~\n", nil},
		{"documents are numbered by the lines of the file", x + "---\n" + x, []string{
			`1:1 {"apiVersion":"v1","kind":"X"}`, `4:1 {"apiVersion":"v1","kind":"X"}`,
		}},
		{"a marker may carry a comment", x + "---   # second\n" + x, []string{
			`1:1 {"apiVersion":"v1","kind":"X"}`, `4:1 {"apiVersion":"v1","kind":"X"}`,
		}},
		{"a marker may carry the document", x + "--- {apiVersion: v1, kind: Z}\n", []string{
			`1:1 {"apiVersion":"v1","kind":"X"}`, `3:5 {"apiVersion":"v1","kind":"Z"}`,
		}},
		{"three dashes that begin a word are no marker", x + "a: |\n ---\nb: \"\n ---x\"\n", []string{
			`1:1 {"a":"---\n","apiVersion":"v1","b":" ---x","kind":"X"}`,
		}},
		{"a document ends at three dots", x + "...\n" + x, []string{
			`1:1 {"apiVersion":"v1","kind":"X"}`, `4:1 {"apiVersion":"v1","kind":"X"}`,
		}},
		{"a directive belongs to the document after it", "%YAML 1.1\n---\n" + x, []string{
			`3:1 {"apiVersion":"v1","kind":"X"}`,
		}},
		{
			"Windows line breaks and byte order marks change nothing",
			"\uFEFF" + strings.ReplaceAll(x+"---\n\uFEFF"+x, "\n", "\r\n"),
			[]string{
				`1:1 {"apiVersion":"v1","kind":"X"}`, `4:2 {"apiVersion":"v1","kind":"X"}`,
			},
		},
		{"YAML 1.1 words are booleans, as kubectl reads them", x + "a: yes\nb: 'yes'\nc: 0o10\nd: 010\n", []string{
			`1:1 {"a":true,"apiVersion":"v1","b":"yes","c":8,"d":8,"kind":"X"}`,
		}},
		{"tabs are white space after a value and within braces", x + "a: 1\t# one\nb: {\n\tc: 2\n}\n", []string{
			`1:1 {"a":1,"apiVersion":"v1","b":{"c":2},"kind":"X"}`,
		}},
		{"large integers keep every digit", x + "a: 9007199254740993\n", []string{
			`1:1 {"a":9007199254740993,"apiVersion":"v1","kind":"X"}`,
		}},
		{"anchors, aliases and merges are written out", x + "a: &a {b: 1, c: 2}\nd: *a\ne:\n  <<: *a\n  b: 3\n", []string{
			`1:1 {"a":{"b":1,"c":2},"apiVersion":"v1","d":{"b":1,"c":2},"e":{"b":3,"c":2},"kind":"X"}`,
		}},
		{"JSON is read as JSON, surrogate pairs and all", `{"apiVersion": "v1", "kind": "X", "a": "\ud83d\ude00\/"}`, []string{
			`1:1 {"a":"😀/","apiVersion":"v1","kind":"X"}`,
		}},
		{"JSON objects may follow one another", "{\"apiVersion\":\"v1\",\"kind\":\"X\"}\n {\"apiVersion\":\"v1\",\"kind\":\"Z\"}", []string{
			`1:1 {"apiVersion":"v1","kind":"X"}`, `2:2 {"apiVersion":"v1","kind":"Z"}`,
		}},
		{"a file that begins with a brace may be YAML", "{apiVersion: v1, kind: X}\n---\n" + x, []string{
			`1:1 {"apiVersion":"v1","kind":"X"}`, `3:1 {"apiVersion":"v1","kind":"X"}`,
		}},
		{"a list is taken apart", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: X\n- kind: List\n  apiVersion: v1\n  items:\n  - {apiVersion: v1, kind: Z}\n", []string{
			`4:3 {"apiVersion":"v1","kind":"X"}`, `9:5 {"apiVersion":"v1","kind":"Z"}`,
		}},
		{"the items of a typed list have its kind", "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n", []string{
			`4:3 {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`,
		}},
		{"a list of nothing holds nothing", "apiVersion: v1\nkind: List\nitems:\n", nil},
		{"items that are no list are a problem", "apiVersion: v1\nkind: List\nitems: 1\n", []string{
			"f.yaml:3:1: items of a List must be a list, not a number",
		}},
		{"an item that is no object is a problem", "apiVersion: v1\nkind: List\nitems:\n- a\n", []string{
			"f.yaml:4:3: not a Kubernetes object but a string",
		}},
		{"a document that is no object is a problem", x + "---\n- a\n", []string{
			`1:1 {"apiVersion":"v1","kind":"X"}`,
			"f.yaml:4:1: not a Kubernetes object but a list; an object has apiVersion, kind and metadata",
		}},
		{"an object without a kind is a problem", "apiVersion: v1\nmetadata: {}\n", []string{
			"f.yaml:1:1: kind is not set; is this a Kubernetes object?",
		}},
		{"a kind that is no string is a problem", "apiVersion: v1\nkind: [a]\n", []string{
			"f.yaml:2:1: kind must be a string, not a list",
		}},
		{"a field that is set twice is a problem", x + "a:\n  b: 1\n  b: 2\n", []string{
			`f.yaml:5:3: field "b" is set twice`,
		}},
		{"a JSON field that is set twice is a problem", `{"apiVersion": "v1", "kind": "X", "a": {"b": 1, "b": 2}}`, []string{
			`f.yaml:1:41: field "a.b" is set twice`,
		}},
		{"a tab that indents is a problem at its line", x + "---\n" + x + "a:\n\tb: 1\n", []string{
			`1:1 {"apiVersion":"v1","kind":"X"}`,
			"f.yaml:7:2: broken YAML: a tab indents this line; YAML indents by spaces",
		}},
		{"an unclosed bracket is a problem", x + "a: [1, 2\nb: c\n", []string{
			"f.yaml:3:1: broken YAML: did not find expected ',' or ']'",
		}},
		{"a wrong indentation is a problem", "a:\n  - b\n c: d\n", []string{
			"f.yaml:3:2: broken YAML: did not find expected key",
		}},
		{"a problem on the first line of a document is placed", x + "---\na: @b\n", []string{
			`1:1 {"apiVersion":"v1","kind":"X"}`,
			"f.yaml:4:1: broken YAML: found character that cannot start any token",
		}},
		{"an alias without an anchor is placed", x + "a: *gone\n", []string{
			"f.yaml:3:4: broken YAML: unknown anchor 'gone' referenced",
		}},
		{"an anchor within itself is a problem", x + "a: &a [*a]\n", []string{
			"f.yaml:1:1: broken YAML: anchor 'a' value contains itself",
		}},
		{"a control character is placed", x + "a: b\x01\n", []string{
			"f.yaml:3:5: broken YAML: control characters are not allowed",
		}},
		{"what stands after a broken document is read", "a: [\n---\n" + x, []string{
			`3:1 {"apiVersion":"v1","kind":"X"}`,
			"f.yaml:1:5: broken YAML: did not find expected node content",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, compact(read(t, tt.text))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestEncodings(t *testing.T) {
	utf16 := func(order string, text string) string {
		out := map[string]string{"le": "\xFF\xFE", "be": "\xFE\xFF"}[order]
		for _, r := range text {
			if order == "le" {
				out += string([]byte{byte(r), byte(r >> 8)})
			} else {
				out += string([]byte{byte(r >> 8), byte(r)})
			}
		}
		return out
	}
	for _, order := range []string{"le", "be"} {
		objects, problems := read(t, utf16(order, "apiVersion: v1\nkind: Ä\n"))
		want := []string{`1:1 {"apiVersion":"v1","kind":"Ä"}`}
		if diff := cmp.Diff(want, compact(objects, problems)); diff != "" {
			t.Errorf("UTF-16 %s (-want +got)\n%s", order, diff)
		}
	}
	for text, want := range map[string]string{
		"a: b\nc: \xFF\n": "f.yaml:2:4: not valid UTF-8; save the file as UTF-8",
		"\xFF\xFEa":       "f.yaml:1:1: UTF-16 text ends in the middle of a character; save the file as UTF-8",
	} {
		_, err := NewFile("f.yaml", []byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("NewFile(%q) = %v, want %s", text, err, want)
		}
	}
}

func TestAliasesAreBounded(t *testing.T) {
	laughs := "apiVersion: v1\nkind: X\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 12 {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	merges := "apiVersion: v1\nkind: X\nm0: &m0 {a: 1, b: 2}\n"
	for i := range 60 {
		merges += fmt.Sprintf("m%d: &m%d {<<: [*m%d, *m%d], k%d: 1}\n", i+1, i+1, i, i, i)
	}
	tests := map[string]string{
		"a billion laughs":                  laughs,
		"merges of merges":                  merges,
		"one long text that is named often": "apiVersion: v1\nkind: X\na: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a,", 1000) + "]\n",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			objects, problems := read(t, text)
			want := []string{"f.yaml:1:1: aliases make this document larger than 64 MiB; write fewer of them"}
			if diff := cmp.Diff(want, compact(objects, problems)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yaml", "a.json", "sub/c.yml", "kustomization.yaml", ".hidden.yaml", ".git/d.yaml", "notes.txt"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	names := func(files []*File) (names []string) {
		for _, f := range files {
			names = append(names, strings.TrimPrefix(f.Name, dir+"/"))
		}
		return names
	}

	files, wrong := Open([]string{dir, "-", filepath.Join(dir, "b.yaml"), "-"}, strings.NewReader("x"))
	if len(wrong) > 0 {
		t.Error(wrong)
	}
	if diff := cmp.Diff([]string{"a.json", "b.yaml", "sub/c.yml", Stdin}, names(files)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	files, _ = Open([]string{filepath.Join(dir, "kustomization.yaml")}, nil)
	if diff := cmp.Diff([]string{"kustomization.yaml"}, names(files)); diff != "" {
		t.Errorf("a file that is named is read whatever its name (-want +got)\n%s", diff)
	}

	_, wrong = Open([]string{filepath.Join(dir, "gone.yaml"), filepath.Join(dir, ".git"), filepath.Join(dir, "sub")}, nil)
	if len(wrong) != 1 || !strings.Contains(wrong[0].Error(), "gone.yaml: no such file") {
		t.Errorf("a file that is not there: %v", wrong)
	}
	_, wrong = Open([]string{t.TempDir()}, nil)
	if len(wrong) != 1 || !strings.Contains(wrong[0].Error(), "holds no .yaml, .yml or .json file") {
		t.Errorf("an empty folder: %v", wrong)
	}
}
