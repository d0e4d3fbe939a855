package scheduling

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
)

// cluster is a control plane with KWOK, the scheduler for GPUs with its extender
// as the manifests have them, and the scheduler that every cluster has.
type cluster struct {
	*controlplane.ControlPlane
	folder   string
	client   kubernetes.Interface
	gpuNodes dynamic.ResourceInterface

	kwok     *controlplane.KWOK
	plain    *controlplane.Scheduler
	gpu      *controlplane.Scheduler
	extender *extender
	agentBin string
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
	if c.agentBin, err = repository.Build(ctx, c.folder, agentName); err != nil {
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
	for _, kustomization := range []string{"crd"} {
		objects, err := repository.Manifests(ctx, kustomization)
		if err != nil {
			return err
		}
		if err := c.Apply(ctx, objects...); err != nil {
			return err
		}
		if err := c.WaitForKinds(ctx); err != nil {
			return err
		}
		if kustomization == "scheduler" {
			if err := c.startGPUScheduler(ctx, objects); err != nil {
				return err
			}
		}
	}
	if c.kwok, err = c.StartKWOK(ctx); err != nil {
		return err
	}
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
