//go:build linux

package singlenode

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/node"
	"usher.dev/usher/test/e2e/nvplugin"
)

// NodeName is the name of the only node.
const NodeName = "gpu-node"

// Cluster is a control plane with one node.
type Cluster struct {
	*controlplane.ControlPlane
	Node   *node.Node
	Client kubernetes.Interface

	folder      string
	programs    controlplane.Programs
	controllers *controlplane.ControllerManager
	scheduler   *controlplane.Scheduler
	plugins     []*nvplugin.Server
}

// Start starts a cluster from what Prepare has left in a folder, whose GPUs are
// those of a mock of the agent's, such as mock:dgxh100. Logs are kept there, too.
func Start(ctx context.Context, folder, source string) (*Cluster, error) {
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return nil, err
	}
	plane, err := controlplane.NewReachable(node.Address, folder, programs)
	if err != nil {
		return nil, err
	}
	c := &Cluster{ControlPlane: plane, folder: folder, programs: programs}
	if err := c.start(ctx, source); err != nil {
		c.Release()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, source string) (err error) {
	images, err := archives(c.folder)
	if err != nil {
		return err
	}
	if err := c.ControlPlane.Start(ctx); err != nil {
		return err
	}
	if c.Client, err = kubernetes.NewForConfig(c.Config()); err != nil {
		return err
	}
	if c.controllers, err = c.NewControllerManager(nil); err != nil {
		return err
	}
	if err := c.controllers.Start(ctx); err != nil {
		return err
	}
	if err := c.startScheduler(ctx); err != nil {
		return err
	}
	c.Node, err = node.Start(ctx, c.ControlPlane, node.Options{
		Name:     NodeName,
		Programs: c.programs,
		Images:   images,
		// As NVIDIA's GPU feature discovery sets it.
		Labels: map[string]string{"nvidia.com/gpu.present": "true"},
		Logs:   c.folder,
	})
	if err != nil {
		return err
	}
	if err := c.Node.StartProxy(ctx); err != nil {
		return err
	}
	if err := c.ApplyYAML(ctx, runtimeClass); err != nil {
		return err
	}
	return c.startPlugins(ctx, source)
}

// runtimeClass is what NVIDIA's operator makes on a cluster with GPUs. The node's
// containerd has plain runc behind it.
const runtimeClass = `apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: nvidia}
handler: nvidia
`

// startScheduler starts the cluster's own scheduler, beside which usher's runs.
func (c *Cluster) startScheduler(ctx context.Context) error {
	const configuration = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
`
	identity, err := c.As("system:kube-scheduler")
	if err != nil {
		return err
	}
	if c.scheduler, err = c.NewScheduler("kube-scheduler", []byte(configuration), identity); err != nil {
		return err
	}
	if err := c.scheduler.Start(ctx); err != nil {
		return fmt.Errorf("start the cluster's scheduler: %w", err)
	}
	return nil
}

// Release ends everything.
func (c *Cluster) Release() {
	for _, plugin := range c.plugins {
		plugin.Stop()
	}
	if c.Node != nil {
		c.Node.Release()
	}
	c.scheduler.Release()
	c.controllers.Release()
	c.ControlPlane.Release()
}

// WaitReady waits until the node is Ready and offers its GPUs.
func (c *Cluster) WaitReady(ctx context.Context) error {
	_, _, err := c.Kubectl(ctx, "", "wait", "--for=condition=Ready", "--timeout=50s", "node/"+NodeName)
	if err != nil {
		return err
	}
	_, _, err = c.Kubectl(ctx, "", "wait", `--for=jsonpath={.status.allocatable.nvidia\.com/gpu}`, "--timeout=50s", "node/"+NodeName)
	return err
}

// Wait waits until ctx ends, or, which is an error, one of the cluster's programs.
func (c *Cluster) Wait(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	processes := append(c.Processes(), c.controllers.Process, c.scheduler.Process)
	for _, process := range append(processes, c.Node.Processes()...) {
		go func() {
			select {
			case <-process.Ended():
				stop(process.Failure(errEnded))
			case <-ctx.Done():
			}
		}()
	}
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

var errEnded = errors.New("ended")

// Folder is where Prepare has put what it built, and where logs are.
func (c *Cluster) Folder() string { return c.folder }
