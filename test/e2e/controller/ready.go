package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/controlplane"
)

// countedWithin is how long a replica may take to lead, and the ledger of a Tenant
// that is made then to be counted, on a busy machine.
const countedWithin = time.Minute

// StartAlone starts the only replica and waits until it leads. A Tenant that is
// made after that is known to hold nothing, and its ledger is counted at once; one
// that was there before may have a pod under way, which the ledger waits for.
func (r *Replica) StartAlone(ctx context.Context) error {
	if err := r.Start(ctx); err != nil {
		return err
	}
	return until(ctx, "the controller leads", func(ctx context.Context) error {
		leads, err := r.Leads(ctx)
		if err == nil && !leads {
			err = errors.New("it waits for the lease")
		}
		return err
	})
}

// WaitCounted waits until the ledger of a tenant is counted: before that, it gets
// no GPU.
func WaitCounted(ctx context.Context, plane *controlplane.ControlPlane, tenant string) error {
	client, err := dynamic.NewForConfig(plane.Config())
	if err != nil {
		return err
	}
	ledgers := client.Resource(v1alpha1.GroupVersion.WithResource("quotaledgers"))
	return until(ctx, "the ledger of tenant "+tenant+" is counted", func(ctx context.Context) error {
		ledger, err := ledgers.Get(ctx, tenant, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if _, counted, err := unstructured.NestedString(ledger.Object, "status", "counted"); err != nil || !counted {
			return errors.Join(errors.New("it is not"), err)
		}
		return nil
	})
}

// until repeats what until it succeeds; the error is its last.
func until(ctx context.Context, what string, try func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, countedWithin)
	defer cancel()
	var last error
	if err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		last = try(ctx)
		return last == nil, nil
	}); err != nil {
		return fmt.Errorf("wait until %s: %w: %w", what, err, last)
	}
	return nil
}
