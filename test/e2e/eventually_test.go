package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"usher.dev/usher/test/e2e/await"
)

// eventually repeats f until it succeeds, for as long as a change may take to
// reach usher through a watch.
func eventually[T any](t *testing.T, what string, f func() (T, error)) T {
	t.Helper()
	return await.Success(t, 20*time.Second, what, f)
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
