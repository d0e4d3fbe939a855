package soak

import (
	"os"
	"testing"
)

// A result is cached for the sources of the binaries that the tests run; see
// the test of this name in the folder above.
func TestCachedResultsBelongToTheseSources(t *testing.T) {
	if os.Getenv("USHER_TREE") == "" {
		t.Log("USHER_TREE is not set: without make, run with -count=1 after a change outside test/e2e")
	}
}
