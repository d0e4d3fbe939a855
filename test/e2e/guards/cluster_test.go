package guards

import (
	"context"
	"path/filepath"

	"k8s.io/client-go/dynamic"

	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// cluster is a control plane with usher's webhook and controller, and those
// controllers of Kubernetes that write or delete what usher manages.
type cluster struct {
	*controlplane.ControlPlane
	controllers *controlplane.ControllerManager
	usher       *webhook.Replica
	tenancy     *controller.Replica
	// admin may do everything, and is of the platform.
	admin dynamic.Interface
}

func startCluster(ctx context.Context, folder string) (*cluster, error) {
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return nil, err
	}
	plane, err := controlplane.New(folder, programs)
	if err != nil {
		return nil, err
	}
	c := &cluster{ControlPlane: plane}
	if err := c.install(ctx, folder); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

func (c *cluster) install(ctx context.Context, folder string) error {
	binaries := map[string]string{}
	for _, name := range []string{webhook.Name, controller.Name} {
		binary, err := repository.Build(ctx, folder, name)
		if err != nil {
			return err
		}
		binaries[name] = binary
	}
	objects, err := repository.Manifests(ctx, "base")
	if err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	if c.admin, err = dynamic.NewForConfig(c.Config()); err != nil {
		return err
	}
	configurations, rest := webhook.SplitRegistration(objects)
	if err := c.Apply(ctx, rest...); err != nil {
		return err
	}
	if err := c.WaitForKinds(ctx); err != nil {
		return err
	}
	if c.controllers, err = c.NewControllerManager([]string{
		"resourcequota-controller", "namespace-controller", "garbage-collector-controller", "clusterrole-aggregation-controller",
	}); err != nil {
		return err
	}
	if err := c.controllers.Start(ctx); err != nil {
		return err
	}
	if c.usher, err = webhook.New(ctx, c.ControlPlane, filepath.Join(folder, "webhook"), binaries[webhook.Name], rest); err != nil {
		return err
	}
	if err := c.usher.Start(ctx); err != nil {
		return err
	}
	if err := c.Apply(ctx, c.usher.Registration(configurations, c.usher.Authority.PEM)...); err != nil {
		return err
	}
	if c.tenancy, err = controller.New(ctx, c.ControlPlane, filepath.Join(folder, "controller"), binaries[controller.Name], rest); err != nil {
		return err
	}
	return c.tenancy.Start(ctx)
}

func (c *cluster) release() {
	c.tenancy.Release()
	c.usher.Release()
	c.controllers.Release()
	c.Release()
}
