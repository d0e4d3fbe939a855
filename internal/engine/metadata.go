package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"usher.dev/usher/api/v1alpha1"
)

// Policy describes one policy of a set.
type Policy struct {
	Name        string
	Title       string
	Description string
	Severity    string
	// Checks are the policy's checks by id, each with what it holds.
	Checks     map[string]string
	Parameters map[string]Parameter
	// Mutates says that the policy has patch rules.
	Mutates bool
	// Mode is the mode that the configuration sets.
	Mode v1alpha1.Mode
	// Reads lists the paths of the input that the verdict on a Pod depends on.
	Reads string
}

// Parameter is a parameter of a policy.
type Parameter struct {
	Description string `json:"description"`
	// Default is the parameter's value when nothing sets it.
	Default any `json:"default"`
}

// metadata is the custom part of a policy's METADATA block.
type metadata struct {
	Severity   string               `json:"severity"`
	Checks     map[string]string    `json:"checks"`
	Parameters map[string]Parameter `json:"parameters"`
}

var policyName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// describe reads the METADATA block at package scope.
func describe(name string, modules []*ast.Module) (Policy, error) {
	p := Policy{Name: name}
	if !policyName.MatchString(name) || len(name) > 63 {
		return p, errors.New("a policy's name is lower case words joined by _, at most 63 characters")
	}
	found := false
	for _, m := range modules {
		for _, a := range m.Annotations {
			if a.Scope != "package" {
				continue
			}
			if found {
				return p, errors.New("more than one METADATA block at package scope")
			}
			found = true
			p.Title, p.Description = a.Title, a.Description
			var custom metadata
			if err := decodeStrict(a.Custom, &custom); err != nil {
				return p, fmt.Errorf("METADATA custom: %w", err)
			}
			p.Severity, p.Checks, p.Parameters = custom.Severity, custom.Checks, custom.Parameters
		}
	}
	switch {
	case !found:
		return p, errors.New("no METADATA block at package scope; it gives title, description and custom.checks")
	case p.Title == "":
		return p, errors.New("METADATA has no title")
	case len(p.Checks) == 0:
		return p, errors.New("METADATA has no custom.checks: name every check that the policy reports")
	}
	return p, nil
}

// parameters returns the policy's parameters with the configuration's values
// over the defaults.
func (p Policy) parameters(set map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for name, parameter := range p.Parameters {
		out[name] = parameter.Default
	}
	return out, p.override(out, set)
}

// override puts values over parameters, after checking that the policy declares
// them and that each has its default's JSON type.
func (p Policy) override(parameters, values map[string]any) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		declared, ok := p.Parameters[name]
		if !ok {
			errs = append(errs, fmt.Errorf("policy %s has no parameter %q; it has %v", p.Name, name, slices.Sorted(maps.Keys(p.Parameters))))
			continue
		}
		want, got := jsonType(declared.Default), jsonType(values[name])
		if want != got && want != "null" && got != "null" {
			errs = append(errs, fmt.Errorf("parameter %q of policy %s is %s, want %s", name, p.Name, got, want))
			continue
		}
		parameters[name] = values[name]
	}
	return errors.Join(errs...)
}

func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return "number"
	}
}

func decodeStrict(from, to any) error {
	raw, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return unmarshal(raw, to, true)
}
