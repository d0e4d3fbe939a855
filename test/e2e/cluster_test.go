package e2e

import (
	"context"
	"path/filepath"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// cluster is a control plane at which usher is registered as its manifests say.
type cluster struct {
	*controlplane.ControlPlane
	usher *webhook.Replica
}

// startCluster starts a control plane in folder, applies manifests/base, starts
// usher's binary as its service account and registers it.
func startCluster(ctx context.Context, folder, binary string) (*cluster, error) {
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return nil, err
	}
	plane, err := controlplane.New(folder, programs)
	if err != nil {
		return nil, err
	}
	c := &cluster{ControlPlane: plane}
	if err := c.install(ctx, folder, binary); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

func (c *cluster) install(ctx context.Context, folder, binary string) error {
	objects, err := repository.Manifests(ctx, "base")
	if err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	configurations, rest := webhook.SplitRegistration(objects)
	if err := c.Apply(ctx, rest...); err != nil {
		return err
	}
	if err := c.WaitForKinds(ctx); err != nil {
		return err
	}
	if c.usher, err = webhook.New(ctx, c.ControlPlane, filepath.Join(folder, "usher"), binary, rest); err != nil {
		return err
	}
	if err := c.usher.Start(ctx); err != nil {
		return err
	}
	if err := c.Apply(ctx, c.usher.Registration(configurations, c.usher.Authority.PEM)...); err != nil {
		return err
	}
	return c.ApplyYAML(ctx, tenants)
}

func (c *cluster) release() {
	c.usher.Release()
	c.Release()
}
