package installation

import (
	"context"

	"usher.dev/usher/test/e2e/balancer"
	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/volume"
	"usher.dev/usher/test/e2e/webhook"
)

// webhookReplica takes part in the load balancer while it is ready.
type webhookReplica struct {
	*webhook.Replica
	balancer *balancer.Balancer
	policies *volume.Folder // nil: those that are embedded
	mounted  *volume.Secret // nil: certificates that the test made
}

// Start starts the webhook once its volumes are there.
func (r *webhookReplica) Start(ctx context.Context) error {
	if r.mounted != nil {
		if err := r.mounted.WaitMounted(ctx); err != nil {
			return err
		}
	}
	return r.Replica.Start(ctx)
}

// Release ends the webhook and what fills its volumes.
func (r *webhookReplica) Release() {
	r.mounted.Release()
	r.Replica.Release()
}

func (r *webhookReplica) process() *controlplane.Process { return r.Process }

func (r *webhookReplica) serves() string { return r.Port.Address() }

func (r *webhookReplica) ready() { r.balancer.Add(r.Port.Address()) }
func (r *webhookReplica) gone()  { r.balancer.Remove(r.Port.Address()) }

// controllerReplica serves nobody.
type controllerReplica struct{ *controller.Replica }

func (r controllerReplica) process() *controlplane.Process { return r.Process }

func (controllerReplica) serves() string { return "" }

func (controllerReplica) ready() {}
func (controllerReplica) gone()  {}
