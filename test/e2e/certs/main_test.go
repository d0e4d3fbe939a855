// Package certs tests that usher's own certificates and CA bundles change under
// load without one failed request, and what is said where they are no good, on a
// real kube-apiserver.
package certs

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"usher.dev/usher/test/e2e/controlplane"
)

// plane is the control plane of all tests, and folder holds its files.
var (
	plane  *controlplane.ControlPlane
	folder string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	ctx := context.Background()
	ctrl.SetLogger(logr.Discard())
	var err error
	if folder, err = os.MkdirTemp("", "usher-certs-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return 1, err
	}
	if plane, err = controlplane.New(folder, programs); err != nil {
		return 1, err
	}
	defer plane.Release()
	if err := plane.Start(ctx); err != nil {
		return 1, err
	}
	return m.Run(), nil
}
