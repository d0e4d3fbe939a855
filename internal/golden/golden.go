// Package golden compares what a test gets with a file that holds what it
// should get. `go test PACKAGE -update` writes the files; read what it wrote.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files instead of comparing with them")

// maxDiff bounds, in bytes, how much of a difference is shown.
const maxDiff = 8 << 10

// Check compares got with the file of that name below testdata.
func Check(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\nRun this test with -update to write it.", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		if len(diff) > maxDiff {
			diff = diff[:maxDiff] + "\n…"
		}
		t.Errorf("%s (-want +got)\n%s\nIf this is right, run this test with -update.", file, diff)
	}
}
