// Package config reads usher's configuration file.
package config

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
)

const kind = "AdmissionConfiguration"

// Default returns the configuration that is in force without a file.
func Default() *v1alpha1.AdmissionConfiguration {
	cfg := &v1alpha1.AdmissionConfiguration{}
	setDefaults(cfg)
	return cfg
}

// Load reads a configuration file. An empty name gives the default.
func Load(name string) (*v1alpha1.AdmissionConfiguration, error) {
	if name == "" {
		return Default(), nil
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	cfg, err := Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", name, err)
	}
	return cfg, nil
}

// Parse reads a configuration strictly: the error names every unknown field and
// every wrong value with its path.
func Parse(raw []byte) (*v1alpha1.AdmissionConfiguration, error) {
	asJSON, err := yaml.YAMLToJSONStrict(raw)
	if err != nil {
		return nil, err
	}
	if asJSON, err = spellOff(asJSON); err != nil {
		return nil, err
	}
	cfg := &v1alpha1.AdmissionConfiguration{}
	if err := unmarshalStrict(asJSON, cfg); err != nil {
		return nil, err
	}
	setDefaults(cfg)
	if errs := validate(cfg); len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	return cfg, nil
}

// unmarshalStrict names every unknown field in its error.
func unmarshalStrict(asJSON []byte, into any) error {
	strict, err := json.UnmarshalStrict(asJSON, into)
	if err != nil {
		return err
	}
	return errors.Join(strict...)
}

// spellOff makes the mode "off" of what YAML reads as false: off without quotes.
func spellOff(asJSON []byte) ([]byte, error) {
	var cfg map[string]any
	if err := json.UnmarshalCaseSensitivePreserveInts(asJSON, &cfg); err != nil {
		return nil, err
	}
	spell := func(in map[string]any, key string) {
		if in[key] == false {
			in[key] = v1alpha1.ModeOff
		}
	}
	spell(cfg, "defaultMode")
	policies, _ := cfg["policies"].(map[string]any)
	for _, policy := range policies {
		if policy, ok := policy.(map[string]any); ok {
			spell(policy, "mode")
		}
	}
	return stdjson.Marshal(cfg)
}

func setDefaults(cfg *v1alpha1.AdmissionConfiguration) {
	if cfg.APIVersion == "" && cfg.Kind == "" {
		cfg.APIVersion, cfg.Kind = v1alpha1.GroupVersion.String(), kind
	}
	if cfg.TenantLabel == "" {
		cfg.TenantLabel = "tenant"
	}
	if cfg.ExemptNamespaces == nil {
		cfg.ExemptNamespaces = []string{"kube-system", "kube-node-lease", "usher-system"}
	}
	if cfg.DefaultMode == "" {
		cfg.DefaultMode = v1alpha1.ModeEnforce
	}
}

func validate(cfg *v1alpha1.AdmissionConfiguration) field.ErrorList {
	var errs field.ErrorList
	if want := v1alpha1.GroupVersion.String(); cfg.APIVersion != want {
		errs = append(errs, field.NotSupported(field.NewPath("apiVersion"), cfg.APIVersion, []string{want}))
	}
	if cfg.Kind != kind {
		errs = append(errs, field.NotSupported(field.NewPath("kind"), cfg.Kind, []string{kind}))
	}
	for _, problem := range validation.IsQualifiedName(cfg.TenantLabel) {
		errs = append(errs, field.Invalid(field.NewPath("tenantLabel"), cfg.TenantLabel, problem))
	}
	for i, name := range cfg.ExemptNamespaces {
		for _, problem := range validation.IsDNS1123Label(name) {
			errs = append(errs, field.Invalid(field.NewPath("exemptNamespaces").Index(i), name, problem))
		}
	}
	errs = append(errs, validateMode(field.NewPath("defaultMode"), cfg.DefaultMode)...)
	for _, name := range slices.Sorted(maps.Keys(cfg.Policies)) {
		if mode := cfg.Policies[name].Mode; mode != "" {
			errs = append(errs, validateMode(field.NewPath("policies").Key(name).Child("mode"), mode)...)
		}
	}
	for i, t := range cfg.PodTemplates {
		path := field.NewPath("podTemplates").Index(i)
		if t.Kind == "" {
			errs = append(errs, field.Required(path.Child("kind"), "the kind that holds pod templates"))
		}
		if len(t.Paths) == 0 {
			errs = append(errs, field.Required(path.Child("paths"), "where it holds them, such as spec.template"))
		}
		for j, p := range t.Paths {
			if slices.Contains(strings.Split(p, "."), "") {
				errs = append(errs, field.Invalid(path.Child("paths").Index(j), p, "must be field names or * joined by dots, such as spec.template"))
			}
		}
	}
	return errs
}

func validateMode(path *field.Path, mode v1alpha1.Mode) field.ErrorList {
	if slices.Contains(v1alpha1.Modes, mode) {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, mode, v1alpha1.Modes)}
}
