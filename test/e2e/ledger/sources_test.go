package ledger

import (
	"os"
	"testing"
)

// TestMain applies CRDs that Go's test cache does not look at. A variable that a
// test reads is part of the cache's key; `make e2e` puts a digest of the whole
// repository there.
func TestCachedResultsBelongToTheseSources(t *testing.T) {
	if os.Getenv("USHER_TREE") == "" {
		t.Log("USHER_TREE is not set: without make, run with -count=1 after a change outside test/e2e")
	}
}
