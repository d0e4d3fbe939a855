package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/metadata"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"usher.dev/usher/internal/certs"
)

// certificates is the part that keeps usher's own certificates while the replica
// leads.
type certificates struct {
	options certs.KeeperOptions
	metrics *certs.KeeperMetrics
	keeper  atomic.Pointer[certs.Keeper]
	watch   metadata.Interface
}

var _ manager.LeaderElectionRunnable = (*certificates)(nil)

// newCertificates returns the part; nil where others make the certificates.
func newCertificates(o *options, metrics prometheus.Registerer) *certificates {
	if o.certMode != certModeSelf {
		return nil
	}
	return &certificates{options: o.keeper(), metrics: certs.NewKeeperMetrics(metrics)}
}

// SetupWithManager makes the keeper a part of the manager's work.
func (c *certificates) SetupWithManager(m ctrl.Manager) error {
	// Secrets are read live and held nowhere: no cache has to know them.
	live, err := client.New(m.GetConfig(), client.Options{HTTPClient: m.GetHTTPClient(), Scheme: m.GetScheme(), Mapper: m.GetRESTMapper()})
	if err != nil {
		return fmt.Errorf("make a client for certificates: %w", err)
	}
	if c.watch, err = metadata.NewForConfigAndClient(m.GetConfig(), m.GetHTTPClient()); err != nil {
		return fmt.Errorf("make a client for certificates: %w", err)
	}
	keeper, err := certs.NewKeeper(c.options, live, m.GetLogger().WithName("certificates"), c.metrics)
	if err != nil {
		return err
	}
	c.keeper.Store(keeper)
	return m.Add(c)
}

// NeedLeaderElection says that one replica alone keeps certificates.
func (c *certificates) NeedLeaderElection() bool { return true }

// Start keeps certificates until the context ends.
func (c *certificates) Start(ctx context.Context) error {
	keeper, wake := c.keeper.Load(), make(chan struct{}, 1)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		keeper.Watch(ctx, c.watch, wake)
	}()
	keeper.Run(ctx, wake)
	<-watching
	return nil
}

// state says what was found last.
func (c *certificates) state() string {
	if keeper := c.keeper.Load(); keeper != nil {
		return keeper.State()
	}
	return ""
}
