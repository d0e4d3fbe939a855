// Package ledger tests the quota ledger's two writers on a real API server: the
// webhook's, from three replicas in this process, and the controller's.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
)

var (
	// plane is the control plane of all tests, each with a tenant of its own.
	plane *controlplane.ControlPlane
	// admin reads and writes it live, as its administrator.
	admin client.WithWatch
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetLogger(logr.Discard())
	folder, err := os.MkdirTemp("", "usher-ledger-")
	if err != nil {
		return 1, err
	}
	// What the servers logged is worth keeping when something failed.
	defer func() {
		if code == 0 {
			_ = os.RemoveAll(folder)
		} else {
			fmt.Fprintln(os.Stderr, "logs are kept in", folder)
		}
	}()
	if err := startPlane(ctx, folder); err != nil {
		return 1, err
	}
	defer plane.Release()
	// From here on a signal ends the tests as usual; the kernel takes the servers
	// along.
	stop()
	return m.Run(), nil
}

func startPlane(ctx context.Context, folder string) error {
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return err
	}
	if plane, err = controlplane.New(folder, programs); err != nil {
		return err
	}
	return errors.Join(plane.Start(ctx), install(ctx))
}

func install(ctx context.Context) error {
	objects, err := repository.Manifests(ctx, "crd")
	if err != nil {
		return err
	}
	if err := plane.Apply(ctx, objects...); err != nil {
		return err
	}
	if err := plane.WaitForKinds(ctx); err != nil {
		return err
	}
	admin, err = client.NewWithWatch(plane.Config(), client.Options{Scheme: scheme()})
	return err
}

// scheme knows the kinds of Kubernetes and usher.
func scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			panic(err) // the kinds are compiled in
		}
	}
	return s
}
