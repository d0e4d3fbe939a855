package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// stopWithin is how long work in hand may take to end, and stopMargin how much
// longer everything else. Together less than the Deployment's
// terminationGracePeriodSeconds.
const (
	stopWithin = 15 * time.Second
	stopMargin = 5 * time.Second
)

// work does what the parts do until the context ends. It returns an error, too,
// when another replica has taken the lease over: what runs on must not.
func (c *controller) work(ctx context.Context) error {
	keep, err := c.await(ctx)
	if err != nil {
		return ignoreEnd(ctx, err)
	}
	m, err := c.newManager(keep)
	if err != nil {
		return ignoreEnd(ctx, err)
	}
	go c.progress.awaitLead(ctx, m.Elected())
	ended := make(chan error, 1)
	go func() { ended <- m.Start(ctx) }()
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

// newManager makes a manager that does what the parts do.
func (c *controller) newManager(keep map[client.Object]cache.ByObject) (ctrl.Manager, error) {
	m, err := ctrl.NewManager(c.kube, c.managerOptions(keep))
	if err != nil {
		return nil, fmt.Errorf("make a manager: %w", err)
	}
	for _, p := range c.parts {
		if err := p.SetupWithManager(m); err != nil {
			return nil, fmt.Errorf("set up: %w", err)
		}
	}
	return m, m.Add(warming{m.GetCache(), keep, &c.progress})
}

// ignoreEnd drops errors that come of the end.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// warming fills the caches of everything that the parts watch, whether the
// replica leads or not, so that a standby can take over at once.
type warming struct {
	cache    cache.Cache
	keep     map[client.Object]cache.ByObject
	progress *progress
}

var _ manager.LeaderElectionRunnable = warming{}

// NeedLeaderElection says that a standby does this too.
func (warming) NeedLeaderElection() bool { return false }

// Start returns when the caches are in sync.
func (w warming) Start(ctx context.Context) error {
	for object := range w.keep {
		if _, err := w.cache.GetInformer(ctx, object, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watch %T: %w", object, err)
		}
	}
	if w.cache.WaitForCacheSync(ctx) {
		w.progress.synced()
	}
	return nil
}
