package main

import (
	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// part is one thing that the controller does.
type part interface {
	SetupWithManager(m ctrl.Manager) error
}

// parts returns what the controller does.
func parts(*v1alpha1.AdmissionConfiguration, *options, ctrl.Manager, prometheus.Registerer) ([]part, error) {
	return nil, nil
}

// watched are objects of the kinds that the parts watch.
func watched() []client.Object {
	return []client.Object{&v1alpha1.Tenant{}, &v1alpha1.QuotaLedger{}}
}

// cacheOptions says what is kept of each.
func cacheOptions() cache.Options {
	return cache.Options{
		DefaultTransform:            cache.TransformStripManagedFields(),
		ReaderFailOnMissingInformer: true,
	}
}
