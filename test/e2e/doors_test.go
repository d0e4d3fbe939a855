package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"usher.dev/usher/test/e2e/repository"
)

// TestDoors carries one violation of each policy, and a change that violates
// none, to the containers of every list, through every door. What came of it is
// docs/doors.md.
func TestDoors(t *testing.T) {
	if err := shared.ApplyYAML(t.Context(), customKinds); err != nil {
		t.Fatal(err)
	}
	waitForKinds(t, shared)
	v := &visitor{
		user:      shared.as(t, developer),
		admin:     shared.admin(t),
		namespace: shared.namespace(t, "doors", "tenant-a"),
	}
	var report doorsReport
	for _, d := range doors() {
		t.Run(d.name(), func(t *testing.T) {
			// The clean change comes last: what it updates is the clean object
			// that the others started from.
			for _, c := range append(slices.Clip(forbidden), d.harmless()) {
				for _, list := range listsOf(c) {
					report.add(d, list, c, judge(t, d, list, c, v.try(t, d, list, c)))
				}
			}
		})
	}
	report.whole = tryWholeObjects(t)
	checkDocument(t, filepath.Join(repository.Root(), "docs", "doors.md"), report.markdown())
}

// listsOf returns the lists to try a change in; a change of the pod itself is
// tried once.
func listsOf(c change) []string {
	if c.ofPod != "" {
		return containerLists[:1]
	}
	return containerLists
}

// checkDocument compares a generated file with the one in the repository, or
// writes it when the tests run with -update.
func checkDocument(t *testing.T, path string, want []byte) {
	t.Helper()
	if t.Failed() {
		return
	}
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the API server answers now; go test -run '%s' -update . in test/e2e writes it", path, t.Name())
	}
}
