package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
)

const extenderKind = "ExtenderConfiguration"

// maxWeight bounds the weight of a term.
const maxWeight = 1000

// DefaultExtender returns the configuration that is in force without a file.
func DefaultExtender() *v1alpha1.ExtenderConfiguration {
	cfg := &v1alpha1.ExtenderConfiguration{}
	setExtenderDefaults(cfg)
	return cfg
}

// LoadExtender reads a configuration file of usher-extender. An empty name gives
// the default.
func LoadExtender(name string) (*v1alpha1.ExtenderConfiguration, error) {
	if name == "" {
		return DefaultExtender(), nil
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	cfg, err := ParseExtender(raw)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", name, err)
	}
	return cfg, nil
}

// ParseExtender reads a configuration strictly: the error names every unknown
// field and every wrong value with its path.
func ParseExtender(raw []byte) (*v1alpha1.ExtenderConfiguration, error) {
	asJSON, err := yaml.YAMLToJSONStrict(raw)
	if err != nil {
		return nil, err
	}
	cfg := &v1alpha1.ExtenderConfiguration{}
	if err := unmarshalStrict(asJSON, cfg); err != nil {
		return nil, err
	}
	setExtenderDefaults(cfg)
	if errs := validateExtender(cfg); len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	return cfg, nil
}

func setExtenderDefaults(cfg *v1alpha1.ExtenderConfiguration) {
	if cfg.APIVersion == "" && cfg.Kind == "" {
		cfg.APIVersion, cfg.Kind = v1alpha1.GroupVersion.String(), extenderKind
	}
	if cfg.TenantLabel == "" {
		cfg.TenantLabel = "tenant"
	}
	if cfg.RequireReservation == nil {
		cfg.RequireReservation = new(true)
	}
	if cfg.RackLabel == "" {
		cfg.RackLabel = "topology.kubernetes.io/rack"
	}
	if cfg.JobLabels == nil {
		cfg.JobLabels = []string{
			"jobset.sigs.k8s.io/jobset-name",
			"leaderworkerset.sigs.k8s.io/name",
			"training.kubeflow.org/job-name",
			"ray.io/cluster",
			"batch.kubernetes.io/job-name",
		}
	}
	for _, d := range []struct {
		into     **metav1.Duration
		standard time.Duration
	}{
		{&cfg.StaleAfter, 2 * time.Minute},
		{&cfg.LostAfter, 10 * time.Minute},
		{&cfg.DecisionWait, 200 * time.Millisecond},
		{&cfg.DecisionLease, 30 * time.Second},
	} {
		if *d.into == nil {
			*d.into = &metav1.Duration{Duration: d.standard}
		}
	}
}

func validateExtender(cfg *v1alpha1.ExtenderConfiguration) field.ErrorList {
	var errs field.ErrorList
	if want := v1alpha1.GroupVersion.String(); cfg.APIVersion != want {
		errs = append(errs, field.NotSupported(field.NewPath("apiVersion"), cfg.APIVersion, []string{want}))
	}
	if cfg.Kind != extenderKind {
		errs = append(errs, field.NotSupported(field.NewPath("kind"), cfg.Kind, []string{extenderKind}))
	}
	label := func(path *field.Path, value string) {
		for _, problem := range validation.IsQualifiedName(value) {
			errs = append(errs, field.Invalid(path, value, problem))
		}
	}
	label(field.NewPath("tenantLabel"), cfg.TenantLabel)
	label(field.NewPath("rackLabel"), cfg.RackLabel)
	for i, name := range cfg.JobLabels {
		label(field.NewPath("jobLabels").Index(i), name)
	}
	if cfg.StaleAfter.Duration <= 0 {
		errs = append(errs, field.Invalid(field.NewPath("staleAfter"), cfg.StaleAfter.Duration.String(), "must be above 0"))
	}
	if cfg.LostAfter.Duration < cfg.StaleAfter.Duration {
		errs = append(errs, field.Invalid(field.NewPath("lostAfter"), cfg.LostAfter.Duration.String(), "must not be less than staleAfter, "+cfg.StaleAfter.Duration.String()))
	}
	if wait := cfg.DecisionWait.Duration; wait < 0 || wait > time.Second {
		errs = append(errs, field.Invalid(field.NewPath("decisionWait"), wait.String(), "must be from 0 to 1s: the scheduler waits meanwhile"))
	}
	if lease := cfg.DecisionLease.Duration; lease < time.Second {
		errs = append(errs, field.Invalid(field.NewPath("decisionLease"), lease.String(), "must be 1s or more: a pod is on its way for as long"))
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Weights)) {
		if w := cfg.Weights[name]; w < 0 || w > maxWeight {
			errs = append(errs, field.Invalid(field.NewPath("weights").Key(name), w, fmt.Sprintf("must be from 0 to %d", maxWeight)))
		}
	}
	return errs
}
