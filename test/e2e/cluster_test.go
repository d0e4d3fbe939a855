package e2e

import (
	"context"
	"path/filepath"

	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// cluster is a control plane at which usher is registered as its manifests say.
type cluster struct {
	*controlplane.ControlPlane
	usher *webhook.Replica
	// controller keeps the tenants' ledgers; nil where no test asks for GPUs.
	controller *controller.Replica
}

// binaries are those of usher that a cluster runs; without a controller its
// tenants get no GPUs.
type binaries struct{ webhook, controller string }

func build(ctx context.Context, folder string) (b binaries, err error) {
	if b.webhook, err = repository.Build(ctx, folder, webhook.Name); err != nil {
		return b, err
	}
	b.controller, err = repository.Build(ctx, folder, controller.Name)
	return b, err
}

// startCluster starts a control plane in folder, applies manifests/base, starts
// usher's binaries as their service accounts and registers the webhooks.
func startCluster(ctx context.Context, folder string, usher binaries) (*cluster, error) {
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return nil, err
	}
	plane, err := controlplane.New(folder, programs)
	if err != nil {
		return nil, err
	}
	c := &cluster{ControlPlane: plane}
	if err := c.install(ctx, folder, usher); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

func (c *cluster) install(ctx context.Context, folder string, usher binaries) error {
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
	if c.usher, err = webhook.New(ctx, c.ControlPlane, filepath.Join(folder, "usher"), usher.webhook, rest); err != nil {
		return err
	}
	if err := c.usher.Start(ctx); err != nil {
		return err
	}
	if err := c.Apply(ctx, c.usher.Registration(configurations, c.usher.Authority.PEM)...); err != nil {
		return err
	}
	if usher.controller == "" {
		return c.ApplyYAML(ctx, tenants)
	}
	if c.controller, err = controller.New(ctx, c.ControlPlane, filepath.Join(folder, "controller"), usher.controller, rest); err != nil {
		return err
	}
	if err := c.controller.StartAlone(ctx); err != nil {
		return err
	}
	if err := c.ApplyYAML(ctx, tenants); err != nil {
		return err
	}
	return controller.WaitCounted(ctx, c.ControlPlane, "tenant-a")
}

func (c *cluster) release() {
	c.controller.Release()
	c.usher.Release()
	c.Release()
}
