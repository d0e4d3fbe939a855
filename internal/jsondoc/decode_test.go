package jsondoc_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/jsondoc"
)

func TestObjectRefusesWhatReadersDisagreeOn(t *testing.T) {
	for name, raw := range map[string]string{
		"nothing":               "",
		"an array":              "[]",
		"a truncated object":    `{"a":{"b":1}`,
		"something after it":    `{} {}`,
		"a name twice":          `{"a":1,"a":2}`,
		"a name twice, escaped": `{"a":1,"\u0061":2}`,
		"not UTF-8":             "{\"a\":\"\xff\"}",
		"a lone surrogate":      `{"a":"\ud800"}`,
		"too deep":              strings.Repeat(`{"a":`, 600) + "1" + strings.Repeat("}", 600),
		"far too deep":          strings.Repeat(`[`, 200_000),
		"a wrong number":        `{"a":01}`,
		"not a number":          `{"a":NaN}`,
	} {
		if got, err := jsondoc.Object([]byte(raw)); err == nil {
			t.Errorf("%s: no error, got %v", name, got)
		}
	}
}

func FuzzObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,2.50,-3e7,"x\n\u00e9",null,true,{"b":{}}]}`, `{"a":"\"","b":1e999}`, ` {"apiVersion" : "v1"} `} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := jsondoc.Object(bytes.Clone(raw))
		if err != nil {
			return
		}
		var want map[string]any
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error("differs from encoding/json (-want +got):\n" + diff)
		}
	})
}

func BenchmarkObject(b *testing.B) {
	raw := []byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"web:1","resources":{"limits":{"cpu":"1","memory":"1Gi"}}}]}}`)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jsondoc.Object(raw); err != nil {
			b.Fatal(err)
		}
	}
}
