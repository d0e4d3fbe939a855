package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/logging"
	"usher.dev/usher/policies"
	"usher.dev/usher/quota"
	"usher.dev/usher/webhook"
)

// usherHandler is usher-webhook's /validate, wired as its --standalone does. It
// serves profiles only; what is measured is usher-webhook itself.
func usherHandler(objects, configFile string, logs *logging.Logs, registry *prometheus.Registry) (http.Handler, error) {
	registry.MustRegister(engine.Collectors()...)
	cfg, err := config.Load(configFile)
	if err != nil {
		return nil, err
	}
	set, err := engine.Compile(cfg, policies.FS)
	if err != nil {
		return nil, err
	}
	surroundings, err := cluster.Load(objects)
	if err != nil {
		return nil, err
	}
	reviewer, err := webhook.NewReviewer(engine.New(set).Current, surroundings, quota.NewFixed(surroundings), cfg)
	if err != nil {
		return nil, err
	}
	_, validate := webhook.NewHandlers(reviewer, logs.Log, logs.Sampled, webhook.NewMetrics(registry))
	return validate, nil
}
