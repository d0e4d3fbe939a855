package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// TestReadAgreesWithKubectl reads every manifest and fixture of this repository
// with the decoder that kubectl reads files with, too.
func TestReadAgreesWithKubectl(t *testing.T) {
	texts := map[string][]byte{
		"anchors and merges":    []byte(located),
		"words of YAML 1.1":     []byte("apiVersion: v1\nkind: X\na: [yes, Off, 0x1F, 0b11, 1_000, 1e3, .5, 12:30:45, 2001-01-01, ~, '']\n"),
		"text of all kinds":     []byte("apiVersion: v1\nkind: X\na: |+\n  b\n\nc: >-\n  d\n  e\n\n  f\ng: \"\\u00e4\\x41\\n\\\n  h\"\n"),
		"keys that are no text": []byte("apiVersion: v1\nkind: X\n1: a\ntrue: b\n1.5: c\n"),
		"a stream of JSON":      []byte(`{"apiVersion":"v1","kind":"X","a":1.5,"b":12345678901234567890}{"apiVersion":"v1","kind":"Z"}`),
	}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && name != root || entry.Name() == "transcripts"):
			return fs.SkipDir
		case !slices.Contains([]string{".yaml", ".json", ".txtar"}, filepath.Ext(name)):
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if filepath.Ext(name) != ".txtar" {
			texts[name] = data
			return nil
		}
		for _, file := range txtar.Parse(data).Files {
			texts[name+"/"+file.Name] = file.Data
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for name, text := range texts {
		want, err := kubectlRead(text)
		if err != nil {
			continue // no manifest, or broken
		}
		file, err := NewFile(name, text)
		if err != nil {
			t.Fatal(err)
		}
		objects, problems := Read(file)
		if len(problems) > 0 {
			t.Errorf("%s: kubectl reads it, but %v", name, problems[0])
			continue
		}
		var got []string
		for _, object := range objects {
			encoded, err := json.Marshal(object.Value)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(encoded))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-kubectl +usher)\n%s", name, diff)
		}
		compared++
	}
	t.Logf("%d of %d texts are manifests", compared, len(texts))
	if compared < 50 {
		t.Errorf("only %d texts were compared", compared)
	}
}

// kubectlRead decodes documents and takes lists apart as kubectl does.
func kubectlRead(text []byte) ([]string, error) {
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	var out []string
	for {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		if raw = bytes.TrimSpace(raw); len(raw) == 0 || string(raw) == "null" {
			continue
		}
		object, _, err := unstructured.UnstructuredJSONScheme.Decode(raw, nil, nil)
		if err != nil {
			return nil, err
		}
		items := []unstructured.Unstructured{}
		switch object := object.(type) {
		case *unstructured.UnstructuredList:
			items = object.Items
		case *unstructured.Unstructured:
			items = append(items, *object)
		}
		for _, item := range items {
			if item.GetAPIVersion() == "" {
				return nil, errors.New("no apiVersion, with which kubectl fails later")
			}
			encoded, err := json.Marshal(item.Object)
			if err != nil {
				return nil, err
			}
			out = append(out, string(encoded))
		}
	}
}
