package manifest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const located = `# comment
apiVersion: v1
kind: Pod
metadata:
  name: a
  labels: {app.kubernetes.io/name: "ä", b: c}
  annotations:
    a~b/c: d
spec:
  x-defaults:
    resources: &resources
      limits: &limits {cpu: 1}
    security: &security
      <<: [{a: 1}, {b: 2, a: 3}]
      privileged: true
  containers:
  - name: one
    resources: *resources
  -
    name: two
    securityContext:
      <<: *security
      runAsUser: 0
    resources:
      limits:
        <<: *limits
        memory: 1Gi
`

func TestPosition(t *testing.T) {
	objects, problems := read(t, located)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	tests := []struct {
		name    string
		pointer string
		want    string
	}{
		{"the object", "", `2:1 apiVersion`},
		{"a field", "/metadata/name", `5:3 name`},
		{"a field of a flow mapping", "/metadata/labels/b", `6:41 b`},
		{"an escaped key", "/metadata/labels/app.kubernetes.io~1name", `6:12 app.`},
		{"a key with both escapes", "/metadata/annotations/a~0b~1c", `8:5 a~b/c`},
		{"an element of a list", "/spec/containers/0", `17:5 name`},
		{"an element that begins on the next line", "/spec/containers/1", `20:5 name`},
		{"through an alias", "/spec/containers/0/resources/limits/cpu", `12:24 cpu`},
		{"the field that holds an alias", "/spec/containers/0/resources", `18:5 resources`},
		{"through a merge", "/spec/containers/1/securityContext/privileged", `15:7 privileged`},
		{"the first of merged mappings wins", "/spec/containers/1/securityContext/a", `14:13 a`},
		{"a later merged mapping has the rest", "/spec/containers/1/securityContext/b", `14:21 b`},
		{"beside a merge", "/spec/containers/1/securityContext/runAsUser", `23:7 runAsUser`},
		{"a merge below a merge", "/spec/containers/1/resources/limits/cpu", `12:24 cpu`},
		{"a missing field is at the field above", "/spec/containers/1/resources/requests/cpu", `24:5 resources`},
		{"a missing field of an element is at the element", "/spec/containers/0/image", `17:5 name`},
		{"an element past the end is at the list", "/spec/containers/7/image", `16:3 containers`},
		{"the element after the last is at the list", "/spec/containers/-", `16:3 containers`},
		{"a word is no index", "/spec/containers/x", `16:3 containers`},
		{"below a scalar", "/metadata/name/x", `5:3 name`},
		{"the merge key is no field", "/spec/containers/1/securityContext/<<", `21:5 securityContext`},
		{"no such field at all", "/nothing", `2:1 apiVersion`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at := objects[0].Position(tt.pointer)
			if got := describeAt(objects[0], at, tt.want); got != tt.want {
				t.Errorf("Position(%q) = %s, want %s", tt.pointer, got, tt.want)
			}
		})
	}
}

// describeAt shows a position and as much of the text there as wanted.
func describeAt(o *Object, at Position, want string) string {
	text := []rune(o.Source(at))[at.Column-1:]
	_, word, _ := strings.Cut(want, " ")
	return fmt.Sprintf("%d:%d %s", at.Line, at.Column, string(text[:min(len(text), len([]rune(word)))]))
}

func TestPositionInOtherTexts(t *testing.T) {
	tests := []struct {
		name, text, pointer, want string
	}{
		{"JSON", "{\n  \"apiVersion\": \"v1\", \"kind\": \"Pod\",\n\t\"a\": [ {\"b\" : 1},\n  {\"ä\": \"\\ud83d\\ude00\", \"c\": 2}]}", "/a/1/c", `4:25 "c"`},
		{"the second of two JSON objects", `{"apiVersion":"v1","kind":"X"} {"apiVersion":"v1","kind":"Z","b":1}`, "/b", `1:62 "b"`},
		{"Windows line breaks", "apiVersion: v1\r\nkind: X\r\na:\r\n  b: 1\r\n", "/a/b", "4:3 b"},
		{"old Macintosh line breaks", "apiVersion: v1\rkind: X\ra:\r  b: 1\r", "/a/b", "4:3 b"},
		{"line breaks that only YAML 1.1 knows", "apiVersion: v1\nkind: X\na: 'x\u2028y\u2029z\u0085'\nb: {c: 1}\n", "/b/c", "4:5 c"},
		{"wide and combining characters count as written", "apiVersion: v1\nkind: X\na: {\"日本e\u0301\": 1, b: 2}\n", "/a/b", "3:16 b"},
		{"a tab counts as one", "apiVersion: v1\nkind: X\na:\t{\t b: 2}\n", "/a/b", "3:7 b"},
		{"a byte order mark does not count", "\uFEFFapiVersion: v1\nkind: X\n", "", "1:1 apiVersion"},
		{"a document with a directive", "%YAML 1.1\n# c\n--- # d\napiVersion: v1\nkind: X\n", "/kind", "5:1 kind"},
		{"an item of a list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: X\n  a: 1\n", "/a", "6:3 a"},
		{"a missing field of an item of a list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: X\n", "/b", "4:3 apiVersion"},
		{"an item that is an alias", "apiVersion: v1\nkind: List\nx: &x\n  apiVersion: v1\n  kind: X\nitems: [*x]\n", "/kind", "5:3 kind"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			objects, problems := read(t, tt.text)
			if len(objects) == 0 || len(problems) > 0 {
				t.Fatal(problems)
			}
			object := objects[len(objects)-1]
			if got := describeAt(object, object.Position(tt.pointer), tt.want); got != tt.want {
				t.Errorf("Position(%q) = %s, want %s", tt.pointer, got, tt.want)
			}
		})
	}
}

func TestFieldPosition(t *testing.T) {
	objects, _ := read(t, located)
	for path, want := range map[string]string{
		"spec.containers[1].securityContext.runAsUser": "23:7 runAsUser",
		"metadata.labels[app.kubernetes.io/name]":      "6:12 app.",
		"metadata.labels.app.kubernetes.io/name":       "6:12 app.",
		"metadata.annotations[a~b/c]":                  "8:5 a~b/c",
		"spec.containers[9].image":                     "16:3 containers",
		"":                                             "2:1 apiVersion",
		"..[":                                          "2:1 apiVersion",
	} {
		if got := describeAt(objects[0], objects[0].FieldPosition(path), want); got != want {
			t.Errorf("FieldPosition(%q) = %s, want %s", path, got, want)
		}
	}
}

func TestMergeKnotsEnd(t *testing.T) {
	text := "m0: &m0 {a: 1}\n"
	for i := range 200 {
		text += fmt.Sprintf("m%d: &m%d {<<: [*m%d, *m%d]}\n", i+1, i+1, i, i)
	}
	text += "knot: &knot {<<: *knot, b: *knot}\n"
	doc := &document{file: &File{text: text, lines: lineStarts(text, isEditorBreak)}, span: span{0, len(text)}}
	object := &Object{doc: doc}
	begin := time.Now()
	object.Position("/m200/missing")
	object.Position("/knot/missing/b/b")
	object.Position("/knot/b/b/b/c")
	if spent := time.Since(begin); spent > 5*time.Second {
		t.Errorf("took %s", spent)
	}
}

func TestPointers(t *testing.T) {
	for _, p := range []string{"", "/", "/a/b", "/a~1b/~0c", "//"} {
		if got := JoinPointer(tokens(p)); got != p {
			t.Errorf("pointer(tokens(%q)) = %q", p, got)
		}
	}
	if diff := cmp.Diff([]string{"a~1b", "c/d"}, tokens("/a~01b/c~1d")); diff != "" {
		t.Error(diff)
	}
}
