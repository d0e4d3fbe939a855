package main

import (
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
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

func managerOptions(o *options, log logr.Logger) ctrl.Options {
	return ctrl.Options{
		Scheme: newScheme(),
		Logger: log,
		Cache:  cacheOptions(),

		LeaderElection:          o.leaderElect,
		LeaderElectionID:        leaseName,
		LeaderElectionNamespace: o.namespace,
		// The process ends with the manager, as this needs.
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 ptr.To(leaseDuration),
		RenewDeadline:                 ptr.To(renewDeadline),
		RetryPeriod:                   ptr.To(retryPeriod),
		GracefulShutdownTimeout:       ptr.To(stopWithin),

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
