package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"usher.dev/usher/api/v1alpha1"
)

const (
	// askAgain is the time between two questions whether the API server is there
	// and knows usher's kinds.
	askAgain = 2 * time.Second
	// stopWithin is how long work in hand may take to end, and stopMargin how
	// much longer everything else. Together less than the Deployment's
	// terminationGracePeriodSeconds.
	stopWithin = 15 * time.Second
	stopMargin = 5 * time.Second
)

// needed are the kinds without which nothing can be done.
var needed = []schema.GroupKind{
	v1alpha1.GroupVersion.WithKind("Tenant").GroupKind(),
	v1alpha1.GroupVersion.WithKind("QuotaLedger").GroupKind(),
}

// work does what the parts do until the context ends. It returns an error, too,
// when another replica has taken the lease over: what runs on must not.
func (c *controller) work(ctx context.Context) error {
	if err := c.await(ctx); err != nil {
		return ignoreEnd(ctx, err)
	}
	for _, p := range c.parts {
		if err := p.SetupWithManager(c.manager); err != nil {
			return ignoreEnd(ctx, fmt.Errorf("set up: %w", err))
		}
	}
	if err := c.manager.Add(warmed{c}); err != nil {
		return err
	}
	go c.progress.awaitLead(ctx, c.manager.Elected())

	ended := make(chan error, 1)
	go func() { ended <- c.manager.Start(ctx) }()
	select {
	case err := <-ended:
		return ignoreEnd(ctx, err)
	case <-ctx.Done():
	}
	c.progress.ending()
	if !c.progress.inSync() {
		// The manager would go on waiting for its caches. Nothing is begun yet.
		return nil
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(stopWithin + stopMargin):
		return errors.New("the work in hand did not end in time")
	}
}

// ignoreEnd drops errors that come of the end.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// await waits for the API server to be there and to know usher's kinds, which
// may be installed after the controller.
func (c *controller) await(ctx context.Context) error {
	mapper := c.manager.GetRESTMapper()
	for _, kind := range needed {
		for {
			_, err := mapper.RESTMapping(kind)
			if err == nil {
				break
			}
			c.progress.waiting(fmt.Errorf("find the kind %s: %w", kind.Kind, err))
			c.log.Error(err, "cannot begin yet", "kind", kind.Kind)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(askAgain):
			}
		}
	}
	c.progress.waiting(errors.New("the caches are not in sync yet"))
	return nil
}

// warmed fills the caches of everything that the parts watch, whether the replica
// leads or not, so that a standby can take over at once.
type warmed struct{ *controller }

var _ manager.LeaderElectionRunnable = warmed{}

// NeedLeaderElection says that a standby does this too.
func (warmed) NeedLeaderElection() bool { return false }

// Start returns when the caches are in sync.
func (w warmed) Start(ctx context.Context) error {
	for _, object := range watched() {
		if _, err := w.manager.GetCache().GetInformer(ctx, object, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watch %T: %w", object, err)
		}
	}
	if w.manager.GetCache().WaitForCacheSync(ctx) {
		w.progress.synced()
	}
	return nil
}
