package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
)

// Set is a compiled policy set with its modes and parameters. It does not
// change, and any number of goroutines may ask it at once.
type Set struct {
	policies []*policy // in order of names
	mutators int       // how many of them have patch rules
	config   map[string]any
	digest   string
}

var _ verdict.Policies = (*Set)(nil)

// Compile compiles the policies of all sources, later ones over earlier ones, a
// whole policy or library package at a time, and configures them. The error
// names every policy, file and field that is wrong.
func Compile(cfg *v1alpha1.AdmissionConfiguration, sources ...fs.FS) (*Set, error) {
	units, err := load(sources)
	if err != nil {
		return nil, err
	}
	modules := map[string]*ast.Module{}
	var files []file
	for _, name := range slices.Sorted(maps.Keys(units)) {
		for i, m := range units[name].modules {
			modules[units[name].files[i].name] = m
		}
		files = append(files, units[name].files...)
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithStrict(true)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, fmt.Errorf("compile policies: %w", compiler.Errors)
	}
	if err := refuseUndefined(compiler); err != nil {
		return nil, fmt.Errorf("compile policies: %w", err)
	}

	set := &Set{config: map[string]any{"tenant_label": cfg.TenantLabel}}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(units)) {
		if strings.HasPrefix(name, "lib.") {
			continue
		}
		p, err := newPolicy(compiler, name, units[name].modules, cfg)
		if err != nil {
			errs = append(errs, fmt.Errorf("policy %s: %w", name, err))
			continue
		}
		set.policies = append(set.policies, p)
		if p.Mutates {
			set.mutators++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Policies)) {
		if strings.HasPrefix(name, "lib.") || units[name] == nil {
			errs = append(errs, fmt.Errorf("policies.%s: there is no such policy", name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	set.digest, err = digest(files, set)
	return set, err
}

// digest identifies the Rego, the modes and the parameters of a set.
func digest(files []file, set *Set) (string, error) {
	h := sha256.New()
	sum := hashFiles(files)
	h.Write(sum[:])
	for _, p := range set.policies {
		params, err := json.Marshal(p.params)
		if err != nil {
			return "", fmt.Errorf("digest of policy %s: %w", p.Name, err)
		}
		fmt.Fprintf(h, "%s %s %v %s\n", p.Name, p.Mode, p.namespaceOverride, params)
	}
	fmt.Fprintln(h, set.config)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))[:24], nil
}

// Digest identifies the set: two replicas with the same digest give the same
// verdicts.
func (s *Set) Digest() string { return s.digest }

// Policies describes the policies, in order of names.
func (s *Set) Policies() []Policy {
	out := make([]Policy, len(s.policies))
	for i, p := range s.policies {
		out[i] = p.Policy
	}
	return out
}

// Validate implements verdict.Policies. A policy that only warns or audits and
// also mutates is asked about the pod as it would be, were it enforced.
func (s *Set) Validate(ctx context.Context, in verdict.Input) []verdict.Result {
	polled := ballot{results: make([]verdict.Result, 0, len(s.policies))}
	for _, p := range s.policies {
		mode := p.modeIn(in.Namespace)
		if mode == v1alpha1.ModeOff {
			continue
		}
		result := verdict.Result{Policy: p.Name, Mode: mode}
		if p.judge == nil {
			polled.add(result)
			continue
		}
		subject := in
		if mode != v1alpha1.ModeEnforce && p.patch != nil && in.Pod != nil {
			step, cancel := verdict.Share(ctx, s.mutators+1)
			pod, _, err := p.mutate(step, s.config, in)
			cancel()
			if err != nil {
				result.Err = err
				polled.add(result)
				continue
			}
			subject.Pod = pod
		}
		polled.ask(ctx, result, p, p.judge, s.config, subject)
	}
	return polled.end(ctx)
}

// Reserve implements verdict.Policies.
func (s *Set) Reserve(ctx context.Context, in verdict.Input) []verdict.Result {
	var polled ballot
	for _, p := range s.policies {
		mode := p.modeIn(in.Namespace)
		if p.reserve == nil || mode == v1alpha1.ModeOff {
			continue
		}
		polled.ask(ctx, verdict.Result{Policy: p.Name, Mode: mode}, p, p.reserve, s.config, in)
	}
	return polled.end(ctx)
}

// Mutate implements verdict.Policies. Only policies in mode enforce mutate.
func (s *Set) Mutate(ctx context.Context, in verdict.Input) verdict.Mutation {
	m := verdict.Mutation{Pod: in.Pod}
	if in.Pod == nil {
		return m
	}
	left := s.mutators
	for _, p := range s.policies {
		if p.patch == nil {
			continue
		}
		left--
		mode := p.modeIn(in.Namespace)
		if mode != v1alpha1.ModeEnforce {
			continue
		}
		step, cancel := verdict.Share(ctx, left+1)
		pod, operations, err := p.mutate(step, s.config, in)
		cancel()
		if err != nil {
			m.Results = append(m.Results, verdict.Result{Policy: p.Name, Mode: mode, Err: err})
			continue
		}
		m.Operations = append(m.Operations, operations...)
		m.Pod = pod
		in.Pod = pod
	}
	return m
}
