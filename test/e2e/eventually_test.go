package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// eventually repeats f until it succeeds, for as long as a change may take to
// reach usher through a watch.
func eventually[T any](t *testing.T, what string, f func() (T, error)) T {
	t.Helper()
	const (
		patience = 20 * time.Second
		pause    = 50 * time.Millisecond
	)
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

// expectDenial returns nil when usher denied a request, and what happened
// instead otherwise.
func expectDenial(err error) error {
	switch _, denied := denial(err); {
	case denied:
		return nil
	case err == nil:
		return errors.New("was admitted")
	default:
		return fmt.Errorf("was not judged: %w", err)
	}
}

func expectNotFound(err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil:
		return errors.New("is still there")
	default:
		return err
	}
}
