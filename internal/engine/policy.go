package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/engine/reads"
	"usher.dev/usher/internal/tracing"
	"usher.dev/usher/internal/verdict"
)

// ModeLabelPrefix and a policy's name make the label of a namespace that sets
// the policy's mode there.
const ModeLabelPrefix = "policy.usher.dev/"

// policy is one policy, configured and ready to be asked.
type policy struct {
	Policy

	params            map[string]any
	namespaceOverride bool

	// judge asks deny, warn and audit; patch asks patch; reserve asks
	// deny_reservation. Nil: no such rule.
	judge   *query
	patch   *query
	reserve *query
}

// query is one prepared question to a policy, with its answers so far.
type query struct {
	policy  string
	checks  map[string]string // that its findings may name
	eval    evaluator
	answers *remembered
	// reads is what the query can read of any input, ofPods what it can read when
	// a Pod is under review.
	reads, ofPods *reads.Tree
	// gate is nil where the query always applies.
	gate *gate

	fromCache, fromRego prometheus.Counter
}

func newPolicy(c *ast.Compiler, name string, modules []*ast.Module, cfg *v1alpha1.AdmissionConfiguration) (*policy, error) {
	description, err := describe(name, modules)
	if err != nil {
		return nil, err
	}
	p := &policy{Policy: description, namespaceOverride: true}
	p.Mode = cfg.DefaultMode
	set := map[string]any{}
	if pc, ok := cfg.Policies[name]; ok {
		if pc.Mode != "" {
			p.Mode = pc.Mode
		}
		if pc.NamespaceOverride != nil {
			p.namespaceOverride = *pc.NamespaceOverride
		}
		for key, raw := range pc.Parameters {
			var value any
			if err := unmarshal(raw.Raw, &value, false); err != nil {
				return nil, fmt.Errorf("parameter %q: %w", key, err)
			}
			set[key] = value
		}
	}
	if p.params, err = p.parameters(set); err != nil {
		return nil, err
	}
	if p.judge, err = newQuery(c, description, "deny", "warn", "audit"); err != nil {
		return nil, err
	}
	if p.patch, err = newQuery(c, description, "patch"); err != nil {
		return nil, err
	}
	if p.reserve, err = newQuery(c, description, ruleReserve); err != nil {
		return nil, err
	}
	if p.judge == nil && p.patch == nil && p.reserve == nil {
		return nil, errors.New("has none of the rules deny, warn, audit, patch and deny_reservation")
	}
	p.Mutates = p.patch != nil
	if p.judge != nil {
		p.Reads = p.judge.ofPods.String()
	}
	return p, nil
}

// newQuery prepares the rules of a policy, nil if it has none of them.
func newQuery(c *ast.Compiler, p Policy, rules ...string) (*query, error) {
	var refs []ast.Ref
	var present []string
	for _, rule := range rules {
		ref := ast.MustParseRef("data.usher." + p.Name + "." + rule)
		found := c.GetRulesExact(ref)
		if len(found) == 0 {
			continue
		}
		for _, r := range found {
			if r.Head.Key == nil || r.Head.Value != nil {
				return nil, fmt.Errorf("rule %s at %s is not a set: write `%s contains …`", rule, r.Location, rule)
			}
		}
		refs = append(refs, ref)
		present = append(present, rule)
	}
	if len(refs) == 0 {
		return nil, nil
	}
	var applies *gate
	if slices.Contains(rules, "deny") {
		var err error
		if applies, err = newGate(c, p.Name); err != nil {
			return nil, err
		}
	}
	var appliesWhen ast.Ref
	if applies != nil {
		appliesWhen = appliesRef(p.Name)
	}
	eval, err := newEvaluator(c, refs, present, appliesWhen)
	if err != nil {
		return nil, err
	}
	if applies != nil {
		refs = append(refs, appliesWhen)
	}
	answers, err := newRemembered()
	if err != nil {
		return nil, err
	}
	return &query{
		policy: p.Name, checks: p.Checks, eval: eval, answers: answers,
		reads:     reads.Analyze(c, "", refs...),
		ofPods:    reads.Analyze(c, kindPod, refs...),
		gate:      applies,
		fromCache: evaluations.WithLabelValues(p.Name, "cache"),
		fromRego:  evaluations.WithLabelValues(p.Name, "rego"),
	}, nil
}

const kindPod = "Pod"

// readsOf returns what the query reads of a document.
func (q *query) readsOf(doc map[string]any) *reads.Tree { return treeOf(doc, q.reads, q.ofPods) }

func treeOf(doc map[string]any, ofAny, ofPods *reads.Tree) *reads.Tree {
	request, _ := doc["request"].(map[string]any)
	kind, _ := request["kind"].(map[string]any)
	if kind["kind"] == kindPod {
		return ofPods
	}
	return ofAny
}

// modeIn returns the policy's mode in a namespace.
func (p *policy) modeIn(namespace map[string]any) v1alpha1.Mode {
	if !p.namespaceOverride || namespace == nil {
		return p.Mode
	}
	metadata, _ := namespace["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	label, _ := labels[ModeLabelPrefix+p.Name].(string)
	if mode := v1alpha1.Mode(label); slices.Contains(v1alpha1.Modes, mode) {
		return mode
	}
	return p.Mode
}

// tenantParameters returns the parameters with a tenant's own over them, nil
// where it has none.
func (p *policy) tenantParameters(tenant map[string]any) (map[string]any, error) {
	spec, _ := tenant["spec"].(map[string]any)
	all, _ := spec["parameters"].(map[string]any)
	return p.ownParameters(all)
}

// ownParameters returns the parameters with those of a tenant, by policy, over
// them, nil where it has none of this policy.
func (p *policy) ownParameters(all map[string]any) (map[string]any, error) {
	set, ok := all[p.Name]
	if !ok {
		return nil, nil
	}
	values, ok := set.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("those of policy %s are %s, want object", p.Name, jsonType(set))
	}
	own := maps.Clone(p.params)
	return own, p.override(own, values)
}

// document builds the input document of this policy.
func (p *policy) document(config map[string]any, in verdict.Input) (map[string]any, error) {
	params := p.params
	if own, err := p.tenantParameters(in.Tenant); err != nil {
		return nil, fmt.Errorf("the Tenant's spec.parameters: %w", err)
	} else if own != nil {
		params = own
	}
	doc := map[string]any{"params": params, "config": config}
	for key, value := range map[string]map[string]any{
		"request": in.Request, "pod": in.Pod, "old_pod": in.OldPod, "namespace": in.Namespace, "tenant": in.Tenant, "quota": in.Quota,
	} {
		if value != nil {
			doc[key] = value
		}
	}
	if in.Tenants != nil {
		doc["tenants"] = in.Tenants
	}
	return doc, nil
}

var keyBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

// ask asks a query about an input: the remembered answer, or one under way.
func (p *policy) ask(ctx context.Context, q *query, config map[string]any, in verdict.Input) (answer, <-chan outcome, error) {
	_, span := tracing.Start(ctx, "policy")
	if span.Recorded() {
		span.Text("usher.policy", p.Name)
		span.Text("usher.rules", strings.Join(q.eval.rules, " "))
	}
	doc, err := p.document(config, in)
	if err != nil {
		span.Fail("no input")
		span.End()
		return answer{}, nil, err
	}
	var gateKey [sha256.Size]byte
	if q.gate != nil {
		gateKey = keyOf(q.gate.readsOf(doc), doc)
		if applies, ok := q.gate.known.Get(gateKey); ok && !applies {
			q.remembers(span)
			return answer{}, nil, nil
		}
	}
	key := keyOf(q.readsOf(doc), doc)
	if known, ok := q.answers.get(key); ok {
		q.remembers(span)
		return known, nil, nil
	}
	q.fromRego.Inc()
	span.Text("usher.source", "rego")
	return answer{}, q.start(ctx, span, key, gateKey, doc), nil
}

// remembers counts an answer that was remembered, and ends the question's span.
func (q *query) remembers(span tracing.Span) {
	q.fromCache.Inc()
	span.Text("usher.source", "cache")
	span.End()
}

// keyOf identifies what a tree reads of a document.
func keyOf(tree *reads.Tree, doc map[string]any) [sha256.Size]byte {
	buf := keyBuffers.Get().(*[]byte)
	defer keyBuffers.Put(buf)
	*buf = tree.AppendKey((*buf)[:0], doc)
	return sha256.Sum256(*buf)
}

// mutate returns the pod as the policy patches it, and the operations.
func (p *policy) mutate(ctx context.Context, config map[string]any, in verdict.Input) (map[string]any, []verdict.Operation, error) {
	found, pending, err := p.ask(ctx, p.patch, config, in)
	if err != nil {
		return nil, nil, err
	}
	if pending != nil {
		if found, err = await(ctx, pending); err != nil {
			return nil, nil, err
		}
	}
	if len(found.operations) == 0 {
		return in.Pod, nil, nil
	}
	pod, err := Apply(in.Pod, found.operations)
	if err != nil {
		return nil, nil, fmt.Errorf("policy %s makes a patch that does not apply: %w", p.Name, err)
	}
	return pod, found.operations, nil
}
