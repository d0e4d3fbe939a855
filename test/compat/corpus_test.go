package compat

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// corpus is where the version before this one is recorded.
var corpus = filepath.Join("..", "..", "testdata", "compat", "recorded")

// content returns a file of the corpus.
func content(t *testing.T, name string) []byte {
	t.Helper()
	read, err := os.ReadFile(filepath.Join(corpus, name))
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// recorded returns the objects in a file of the corpus, those of a List one by one.
func recorded(t *testing.T, name string) []unstructured.Unstructured {
	t.Helper()
	return objectsIn(t, content(t, name))
}

func objectsIn(t *testing.T, documents []byte) []unstructured.Unstructured {
	t.Helper()
	var out []unstructured.Unstructured
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(documents), 4096)
	for {
		var object unstructured.Unstructured
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !object.IsList() {
			out = append(out, object)
			continue
		}
		list, err := object.ToList()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, list.Items...)
	}
	if len(out) == 0 {
		t.Fatal("there is nothing in it")
	}
	return out
}
