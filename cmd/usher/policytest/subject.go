package policytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/cmd/usher/review"
	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/fixture"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/quota"
	"usher.dev/usher/webhook"
)

// fixtureTimeout bounds the review of one fixture: a machine that runs tests is
// a busy one.
const fixtureTimeout = 30 * time.Second

// subject is one policy under test, alone with the libraries.
type subject struct {
	engine.Policy
	unitTests *engine.UnitTests
	own       fs.FS
	beneath   fs.FS
	// sets are the compiled policy, by configuration.
	sets map[string]*engine.Set
}

func newSubject(name string, unitTests *engine.UnitTests, own, beneath fs.FS) (*subject, error) {
	s := &subject{Policy: engine.Policy{Name: name}, unitTests: unitTests, own: own, beneath: beneath, sets: map[string]*engine.Set{}}
	set, err := s.compile(config.Default())
	if err != nil {
		return nil, err
	}
	if described := set.Policies(); len(described) != 1 || described[0].Name != name {
		return nil, fmt.Errorf("policy %s: the folder must hold the package usher.%s, and no other policy", name, name)
	}
	s.Policy = set.Policies()[0]
	return s, nil
}

// configuration is a fixture's: the policy enforced, with the fixture's parameters.
func (s *subject) configuration(f *fixture.Fixture) (*v1alpha1.AdmissionConfiguration, error) {
	cfg := f.Config.DeepCopy()
	if len(f.Params) == 0 {
		return cfg, nil
	}
	policy := v1alpha1.PolicyConfiguration{Parameters: map[string]apiextensionsv1.JSON{}}
	for name, value := range f.Params {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		policy.Parameters[name] = apiextensionsv1.JSON{Raw: raw}
	}
	cfg.Policies = map[string]v1alpha1.PolicyConfiguration{s.Name: policy}
	return cfg, nil
}

// compile gives the policy with a configuration.
func (s *subject) compile(cfg *v1alpha1.AdmissionConfiguration) (*engine.Set, error) {
	key, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	if set := s.sets[string(key)]; set != nil {
		return set, nil
	}
	set, err := engine.Compile(cfg, s.beneath, s.own)
	if err == nil {
		s.sets[string(key)] = set
	}
	return set, err
}

// verdict is what the policy says of a fixture.
func (s *subject) verdict(ctx context.Context, f *fixture.Fixture) (v fixture.Verdict, err error) {
	cfg, err := s.configuration(f)
	if err != nil {
		return v, err
	}
	set, err := s.compile(cfg)
	if err != nil {
		return v, err
	}
	around, err := surroundings(f)
	if err != nil {
		return v, err
	}
	req, err := requestOf(f)
	if err != nil {
		return v, err
	}
	ctx, cancel := context.WithTimeout(ctx, fixtureTimeout)
	defer cancel()
	asked := &observed{Set: set, tests: s.unitTests}
	reviewer, err := webhook.NewReviewer(func() verdict.Policies { return asked }, around, quota.NewFixed(around), cfg)
	if err != nil {
		return v, err
	}
	if !reviewer.Judges(req) {
		return v, fmt.Errorf("usher is not asked about a %s of this group; config.yaml may name its podTemplates", req.Kind)
	}
	out, err := reviewer.Review(ctx, req, engine.Apply)
	if err == nil {
		err = errors.Join(append(out.Errors, asked.err)...)
	}
	if err != nil {
		return v, err
	}
	for list, findings := range map[*[]fixture.Finding][]webhook.Finding{&v.Deny: out.Denied, &v.Warn: out.Warned, &v.Audit: out.Audited} {
		for _, f := range findings {
			fixture.Add(list, f.Finding)
		}
	}
	return v, v.SetPatch(out.Patch)
}

func surroundings(f *fixture.Fixture) (*cluster.Objects, error) {
	around := cluster.NewObjects()
	for _, object := range f.Objects {
		if !cluster.Holds(object) {
			return nil, fmt.Errorf("objects.yaml holds a %v; only Namespaces, Tenants and QuotaLedgers are looked up", object["kind"])
		}
		encoded, err := json.Marshal(object)
		if err == nil {
			err = around.Add(object, encoded)
		}
		if err != nil {
			return nil, fmt.Errorf("objects.yaml: %w", err)
		}
	}
	return around, nil
}

// requestOf makes the review that an API server would send, and reads it as a
// webhook would.
func requestOf(f *fixture.Fixture) (*webhook.Request, error) {
	namespace, _ := f.Request["namespace"].(string)
	made, err := review.NewRequest(f.Object, f.Old, webhook.Offline{Namespace: namespace})
	if err != nil {
		return nil, err
	}
	maps.Copy(made.Raw, f.Request)
	if made.Raw["operation"] == webhook.Delete {
		// What is deleted comes as the old object alone.
		made.Raw["oldObject"] = made.Raw["object"]
		delete(made.Raw, "object")
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": made.Raw})
	if err != nil {
		return nil, err
	}
	return webhook.DecodeReview(body)
}

// observed is a set whose inputs count for the coverage too.
type observed struct {
	*engine.Set
	tests *engine.UnitTests
	err   error
}

// Mutate implements verdict.Policies.
func (o *observed) Mutate(ctx context.Context, in verdict.Input) verdict.Mutation {
	o.err = errors.Join(o.err, o.tests.Observe(ctx, o.Set, in))
	return o.Set.Mutate(ctx, in)
}

// Validate implements verdict.Policies.
func (o *observed) Validate(ctx context.Context, in verdict.Input) []verdict.Result {
	o.err = errors.Join(o.err, o.tests.Observe(ctx, o.Set, in))
	return o.Set.Validate(ctx, in)
}

// Reserve implements verdict.Policies.
func (o *observed) Reserve(ctx context.Context, in verdict.Input) []verdict.Result {
	o.err = errors.Join(o.err, o.tests.Observe(ctx, o.Set, in))
	return o.Set.Reserve(ctx, in)
}
