package installation

import (
	"usher.dev/usher/test/e2e/balancer"
	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/webhook"
)

// webhookReplica takes part in the load balancer while it is ready.
type webhookReplica struct {
	*webhook.Replica
	balancer *balancer.Balancer
}

func (r *webhookReplica) process() *controlplane.Process { return r.Process }

func (r *webhookReplica) ready() { r.balancer.Add(r.Port.Address()) }
func (r *webhookReplica) gone()  { r.balancer.Remove(r.Port.Address()) }

// controllerReplica serves nobody.
type controllerReplica struct{ *controller.Replica }

func (r controllerReplica) process() *controlplane.Process { return r.Process }

func (controllerReplica) ready() {}
func (controllerReplica) gone()  {}
