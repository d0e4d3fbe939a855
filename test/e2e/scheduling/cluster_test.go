package scheduling

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// cluster is a control plane at which usher is registered as its manifests say,
// with KWOK, the scheduler for GPUs with its extender, and the scheduler that
// every cluster has.
type cluster struct {
	*controlplane.ControlPlane
	folder      string
	client      kubernetes.Interface
	gpuNodes    dynamic.ResourceInterface
	agentBinary string

	webhook    *webhook.Replica
	controller *controller.Replica
	extender   *extender
	gpu        *controlplane.Scheduler
	plain      *controlplane.Scheduler
	kwok       *controlplane.KWOK
}

// plainConfiguration is a kube-scheduler as it comes, alone of its kind.
const plainConfiguration = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
`

func startCluster(ctx context.Context, folder string) (*cluster, error) {
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return nil, err
	}
	plane, err := controlplane.New(folder, programs)
	if err != nil {
		return nil, err
	}
	c := &cluster{ControlPlane: plane, folder: folder}
	if err := c.install(ctx); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

func (c *cluster) install(ctx context.Context) (err error) {
	if c.agentBinary, err = repository.Build(ctx, c.folder, agentName); err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	if c.client, err = kubernetes.NewForConfig(c.Config()); err != nil {
		return err
	}
	dynamicClient, err := dynamic.NewForConfig(c.Config())
	if err != nil {
		return err
	}
	c.gpuNodes = dynamicClient.Resource(v1alpha1.GroupVersion.WithResource("gpunodes"))
	for _, install := range []func(context.Context) error{
		c.installWebhook, c.declareTenant, c.installAgents, c.installGPUScheduler, c.installPlainScheduler,
	} {
		if err := install(ctx); err != nil {
			return err
		}
	}
	c.kwok, err = c.StartKWOK(ctx)
	return err
}

// installWebhook applies manifests/base and runs the webhook.
func (c *cluster) installWebhook(ctx context.Context) error {
	binary, err := repository.Build(ctx, c.folder, webhook.Name)
	if err != nil {
		return err
	}
	objects, err := repository.Manifests(ctx, "base")
	if err != nil {
		return err
	}
	configurations, rest := webhook.SplitRegistration(objects)
	if err := c.Apply(ctx, rest...); err != nil {
		return err
	}
	if err := c.WaitForKinds(ctx); err != nil {
		return err
	}
	if c.webhook, err = webhook.New(ctx, c.ControlPlane, filepath.Join(c.folder, "webhook"), binary, rest); err != nil {
		return err
	}
	if err := c.webhook.Start(ctx); err != nil {
		return err
	}
	return c.Apply(ctx, c.webhook.Registration(configurations, c.webhook.Authority.PEM)...)
}

// declareTenant declares the tenant, whose ledger usher-controller keeps.
func (c *cluster) declareTenant(ctx context.Context) error {
	binary, err := repository.Build(ctx, c.folder, controller.Name)
	if err != nil {
		return err
	}
	objects, err := repository.Manifests(ctx, "base")
	if err != nil {
		return err
	}
	if c.controller, err = controller.New(ctx, c.ControlPlane, filepath.Join(c.folder, "controller"), binary, objects); err != nil {
		return err
	}
	if err := c.controller.StartAlone(ctx); err != nil {
		return err
	}
	if err := c.ApplyYAML(ctx, tenantManifest); err != nil {
		return err
	}
	return controller.WaitCounted(ctx, c.ControlPlane, tenant)
}

// installAgents applies what the manifests let agents do. The agents themselves
// come and go with the tests' nodes.
func (c *cluster) installAgents(ctx context.Context) error {
	objects, err := repository.Manifests(ctx, "agent")
	if err != nil {
		return err
	}
	return c.Apply(ctx, objects...)
}

// installPlainScheduler starts kube-scheduler as it comes.
func (c *cluster) installPlainScheduler(ctx context.Context) error {
	user, err := c.As("system:kube-scheduler")
	if err != nil {
		return err
	}
	if c.plain, err = c.NewScheduler("kube-scheduler", []byte(plainConfiguration), user); err != nil {
		return err
	}
	return c.plain.Start(ctx)
}

func (c *cluster) release() {
	c.gpu.Release()
	c.plain.Release()
	c.extender.release()
	c.kwok.Release()
	c.controller.Release()
	c.webhook.Release()
	c.Release()
}

func expectNotFound(err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil:
		return errors.New("is still there")
	default:
		return fmt.Errorf("look: %w", err)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
