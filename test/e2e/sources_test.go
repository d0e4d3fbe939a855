package e2e

import (
	"os"
	"testing"
)

// The tests run a webhook that is built from the whole repository, which Go's
// test cache does not look at. `make e2e` puts a digest of it here, and a
// variable that a test reads is part of the cache's key. TestMain would be too
// early: the cache knows only what is read while tests run.
func TestCachedResultsBelongToTheseSources(t *testing.T) {
	if os.Getenv("USHER_TREE") == "" {
		t.Log("USHER_TREE is not set: without make, run with -count=1 after a change outside test/e2e")
	}
}
