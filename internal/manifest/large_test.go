package manifest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func pod(i int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: p%d}\nspec:\n  containers:\n  - name: app\n    image: example.com/app:%d\n    resources: {limits: {cpu: 1}}\n", i, i)
}

func TestLargeFiles(t *testing.T) {
	var many strings.Builder
	for i := range 5000 {
		many.WriteString("---\n" + pod(i))
	}
	oneLine := `{"apiVersion":"v1","kind":"List","items":[` + strings.TrimSuffix(strings.Repeat(
		`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"b","command":["sleep","1"]}]}},`, 20000), ",") + `]}`
	tests := []struct {
		name, text, pointer string
		objects             int
		last                Position
	}{
		{"thousands of documents", many.String(), "/spec/containers/0/image", 5000, Position{45000 - 1, 5}},
		{"one document of 3 MB", "apiVersion: v1\nkind: ConfigMap\ndata:\n" + strings.Repeat("  key: |\n    "+strings.Repeat("x", 1<<20)+"\n", 1) +
			"  big: " + strings.Repeat("y", 2<<20) + "\n  last: z\n", "/data/last", 1, Position{7, 3}},
		{"2 MB of JSON on one line", oneLine, "/spec/containers/0/image", 20000, Position{1, len(oneLine) - len(`"image":"b","command":["sleep","1"]}]}}]}`) + 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			begin := time.Now()
			objects, problems := read(t, tt.text)
			if len(problems) > 0 || len(objects) != tt.objects {
				t.Fatalf("%d objects, problems %v", len(objects), problems)
			}
			if at := objects[len(objects)-1].Position(tt.pointer); at != tt.last {
				t.Errorf("the last is at %v, want %v", at, tt.last)
			}
			if spent := time.Since(begin); spent > 20*time.Second {
				t.Errorf("took %s", spent)
			}
			t.Logf("%d bytes in %s", len(tt.text), time.Since(begin).Round(time.Millisecond))
		})
	}
}
