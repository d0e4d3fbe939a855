// Package await waits for what a cluster does in its own time.
package await

import (
	"testing"
	"time"
)

// pause is between two attempts.
const pause = 50 * time.Millisecond

// Success repeats f until it succeeds and returns its result. The test fails
// with f's last error when that takes longer than patience.
func Success[T any](t testing.TB, patience time.Duration, what string, f func() (T, error)) T {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		result, err := f()
		if err == nil {
			return result
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s: %v", patience, what, err)
		}
		time.Sleep(pause)
	}
}
