package manifest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRead asks of any text that it is read without a panic, that everything
// has a position in the file, and that a position shows what it is said to show.
func FuzzRead(f *testing.F) {
	f.Add(located)
	f.Add("%YAML 1.1\n---\n{a: b}\n...\n--- [x]\r\n\uFEFF---\tc\n")
	f.Add("{\"apiVersion\":\"v1\",\"kind\":\"X\",\"a\":[{\"b\":\"\\ud83d\\ude00\"}]}{}")
	f.Add("apiVersion: v1\nkind: List\nitems:\n- &a {apiVersion: v1, kind: X, <<: {b: 'x\u2028y'}}\n- *a\n")
	f.Add("a: &a [*a]\n---\n? [x]\n: y\n---\na: *b\n---\na:\n\t- b\n---\na: \x01\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := NewFile("f", []byte(text))
		if err != nil {
			return
		}
		objects, problems := Read(file)
		for _, p := range problems {
			checkPosition(t, file, p.Position)
		}
		for _, o := range objects {
			checkFields(t, file, o, nil, o.Value)
			_, problems := o.Served()
			for _, p := range problems {
				checkPosition(t, file, p.Position)
			}
		}
	})
}

// checkFields walks every field of an object. Where the text at a field's
// position is written plainly, it is the field's name.
func checkFields(t *testing.T, file *File, o *Object, path []string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			below := slices.Concat(path, []string{key})
			at := o.Position(JoinPointer(below))
			checkPosition(t, file, at)
			if line := []rune(file.Line(at.Line)); isPlain(key) && len(line) > at.Column-1 && isLetter(line[at.Column-1]) {
				if !strings.HasPrefix(string(line[at.Column-1:]), key) && !mayMove(file.text) {
					t.Errorf("%s: at %v stands %q", JoinPointer(below), at, string(line[at.Column-1:]))
				}
			}
			checkFields(t, file, o, below, child)
		}
	case []any:
		for i, child := range value {
			digit, _ := json.Marshal(i)
			below := slices.Concat(path, []string{string(digit)})
			checkPosition(t, file, o.Position(JoinPointer(below)))
			checkFields(t, file, o, below, child)
		}
	}
}

func checkPosition(t *testing.T, file *File, at Position) {
	t.Helper()
	if at.Line < 1 || at.Line > len(file.lines) {
		t.Fatalf("line %d of %d", at.Line, len(file.lines))
	}
	if width := utf8.RuneCountInString(file.Line(at.Line)); at.Column < 1 || at.Column > width+1 {
		t.Fatalf("column %d of %d", at.Column, width)
	}
}

// isPlain leaves out the keys that YAML 1.1 writes in other ways: yes, on, .nan.
func isPlain(key string) bool {
	return key != "" && !slices.Contains([]string{"true", "false", "null", "NaN"}, key) && strings.IndexFunc(key, func(r rune) bool { return !isLetter(r) }) < 0
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

// mayMove reports whether names in the text may be written in other words:
// aliases and tags, keys over several lines, YAML 1.1's booleans and nulls.
func mayMove(text string) bool {
	return strings.ContainsAny(text, "&*!?\\|>") || strings.Contains(text, "items")
}
