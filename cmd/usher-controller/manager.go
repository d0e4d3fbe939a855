package main

import (
	"context"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"usher.dev/usher/api/v1alpha1"
)

// Figures of the Lease. A replica that ends gives it back, and the next takes it
// within retryPeriod. One that dies is replaced leaseDuration after it last
// renewed, at most retryPeriod later: in these 17 s nothing that ended is freed,
// so that a tenant may be refused what it could have; no ledger is ever over,
// since admission decides by what stands in it. They are shorter than a
// reservation's life (70 s), so that a change of leaders delays no more than that
// does. A leader that the API server has kept from renewing for renewDeadline
// ends itself, well before another could begin; if its machine stood still for
// longer, the ledgers' compare-and-swap refuses what it still writes. Shorter
// figures would make leaders of a busy API server give up; these are those of
// kube-controller-manager, whose work is the same in kind.
const (
	leaseName     = "usher-controller"
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// managerOptions are those of a manager whose cache keeps this much of kinds.
func (c *controller) managerOptions(keep map[client.Object]cache.ByObject) ctrl.Options {
	return ctrl.Options{
		Scheme:         c.scheme,
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return c.mapper, nil },
		Logger:         c.log,
		BaseContext:    func() context.Context { return c.traces.In(context.Background()) },
		Cache: cache.Options{
			ByObject: keep,
			// What nothing watches is read live, or not at all: never by a watch
			// that the first reading begins.
			ReaderFailOnMissingInformer: true,
		},

		LeaderElection:          c.options.leaderElect,
		LeaderElectionID:        leaseName,
		LeaderElectionNamespace: c.options.namespace,
		// The process ends with the manager, as this needs.
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 new(leaseDuration),
		RenewDeadline:                 new(renewDeadline),
		RetryPeriod:                   new(retryPeriod),
		GracefulShutdownTimeout:       new(stopWithin),

		// usher's own server has them.
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
	}
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}
