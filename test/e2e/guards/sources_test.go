package guards

import (
	"os"
	"testing"
)

// See the test of the same name in test/e2e.
func TestCachedResultsBelongToTheseSources(t *testing.T) {
	if os.Getenv("USHER_TREE") == "" {
		t.Log("USHER_TREE is not set: without make, run with -count=1 after a change outside test/e2e")
	}
}
