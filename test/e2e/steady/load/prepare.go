package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"usher.dev/usher/api/v1alpha1"
)

const (
	// prepareWithin bounds how long the tenants may take on a busy machine.
	prepareWithin = 2 * time.Minute
	pause         = 100 * time.Millisecond
)

// Cluster is where the tenants are.
type Cluster interface {
	// Config is the connection of an administrator.
	Config() *rest.Config
	// As is the connection of a user.
	As(user string, groups ...string) (*rest.Config, error)
	// ApplyYAML applies manifests as the administrator.
	ApplyYAML(ctx context.Context, manifests string) error
}

// Prepare makes the tenants and waits until their ledgers count and their users are
// let in.
func Prepare(ctx context.Context, c Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, prepareWithin)
	defer cancel()
	if err := c.ApplyYAML(ctx, manifests()); err != nil {
		return err
	}
	for _, tenant := range Tenants {
		if err := until(ctx, "the ledger of "+tenant+" counts", func() error {
			status, err := Ledger(ctx, c, tenant)
			if err == nil && status["counted"] == nil {
				err = errors.New("it does not yet")
			}
			return err
		}); err != nil {
			return err
		}
		config, err := c.As(User(tenant))
		if err != nil {
			return err
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return err
		}
		for _, namespace := range Namespaces(tenant) {
			if err := until(ctx, "the user of "+tenant+" is let in", func() error {
				_, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{Limit: 1})
				return err
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Settled waits until nothing is held and nothing reserved: all that was admitted has
// been deleted, and nothing was reserved for a request that came to nothing.
func Settled(ctx context.Context, c Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, prepareWithin)
	defer cancel()
	for _, tenant := range Tenants {
		if err := until(ctx, "the ledger of "+tenant+" is empty", func() error {
			status, err := Ledger(ctx, c, tenant)
			used, _ := status["used"].(int64)
			reserved, _ := status["reserved"].(int64)
			if err == nil && used+reserved != 0 {
				err = fmt.Errorf("%d used, %d reserved, in millionths of a GPU", used, reserved)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// Ledger is the status of a tenant's ledger.
func Ledger(ctx context.Context, c Cluster, tenant string) (map[string]any, error) {
	client, err := dynamic.NewForConfig(c.Config())
	if err != nil {
		return nil, err
	}
	object, err := client.Resource(v1alpha1.GroupVersion.WithResource("quotaledgers")).Get(ctx, tenant, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	status, _ := object.Object["status"].(map[string]any)
	return status, nil
}

// until repeats f until it succeeds.
func until(ctx context.Context, what string, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, errors.Join(err, ctx.Err()))
		case <-time.After(pause):
		}
	}
}
