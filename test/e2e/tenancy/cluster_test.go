package tenancy

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// cluster is a control plane with usher's manifests, without its webhook, and the
// controllers of Kubernetes that tenants need: one counts quotas, one empties
// namespaces, and one puts roles together of others.
type cluster struct {
	*controlplane.ControlPlane
	client.Client
	controllers *controlplane.ControllerManager
	// account is the connection of usher-controller's service account.
	account *rest.Config
}

var scheme = newScheme()

func newScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	return s
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
	if err := c.install(ctx); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

func (c *cluster) install(ctx context.Context) (err error) {
	objects, err := repository.Manifests(ctx, "base")
	if err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	_, rest := webhook.SplitRegistration(objects)
	if err := c.ControlPlane.Apply(ctx, rest...); err != nil {
		return err
	}
	if err := c.WaitForKinds(ctx); err != nil {
		return err
	}
	if c.controllers, err = c.NewControllerManager([]string{
		"resourcequota-controller", "namespace-controller", "clusterrole-aggregation-controller",
		// By default it makes 20 requests a second, which is for clusters that nobody
		// fills in a minute.
	}, "--kube-api-qps=1000", "--kube-api-burst=1000", "--concurrent-resource-quota-syncs=20"); err != nil {
		return err
	}
	if err := c.controllers.Start(ctx); err != nil {
		return err
	}
	if c.account, err = c.AsServiceAccount(ctx, controller.Namespace, controller.Name, nil); err != nil {
		return fmt.Errorf("become %s: %w", controller.Name, err)
	}
	c.Client, err = client.New(c.Config(), client.Options{Scheme: scheme})
	return err
}

func (c *cluster) release() {
	c.controllers.Release()
	c.Release()
}
