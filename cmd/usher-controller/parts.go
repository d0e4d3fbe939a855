package main

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
	"usher.dev/usher/tenancy"
)

// part is one thing that the controller does.
type part interface {
	SetupWithManager(m ctrl.Manager) error
}

// parts returns what the controller does.
func parts(cfg *v1alpha1.AdmissionConfiguration, o *options, metrics prometheus.Registerer) ([]part, error) {
	weights, err := quota.WeightsOf(cfg)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", o.config, err)
	}
	reconciler := tenancy.NewReconciler(tenancy.Options{
		TenantLabel:      cfg.TenantLabel,
		ExemptNamespaces: cfg.ExemptNamespaces,
	})
	settler := quota.NewSettler(quota.SettlerOptions{
		TenantLabel: cfg.TenantLabel,
		Counter:     func(t *v1alpha1.Tenant) (quota.Counter, error) { return weights.For(t) },
		TTL:         o.reservationTTL,
	})
	var failed []error
	for _, c := range settler.Collectors() {
		failed = append(failed, metrics.Register(c))
	}
	return []part{reconciler, settler}, errors.Join(failed...)
}
