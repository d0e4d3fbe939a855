package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/valyala/fastjson"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/tracing"
	"usher.dev/usher/internal/verdict"
)

// Cluster answers what a review needs to know of the cluster. A nil object
// without an error does not exist. What it returns is not changed.
type Cluster interface {
	Namespace(ctx context.Context, name string) (map[string]any, error)
	Tenant(ctx context.Context, name string) (map[string]any, error)
	// Tenants returns all tenants, in order of their names.
	Tenants(ctx context.Context) ([]map[string]any, error)
}

// Reviewer decides on requests. It has no state of its own; any number of
// goroutines may use it.
type Reviewer struct {
	// Policies returns the policy set in force.
	policies func() verdict.Policies
	cluster  Cluster
	// ledger is nil where none is kept: nothing is stamped or reserved then.
	ledger Ledger

	targets      targets
	tenantLabel  string
	exempt       map[string]bool
	weights      *weights
	claimWriters *claimWriters
}

// NewReviewer returns a reviewer that asks the set in force at each review. A nil
// ledger keeps none. The error is about the parameters of gpu_quota.
func NewReviewer(policies func() verdict.Policies, cluster Cluster, ledger Ledger, cfg *v1alpha1.AdmissionConfiguration) (*Reviewer, error) {
	exempt := map[string]bool{}
	for _, name := range cfg.ExemptNamespaces {
		exempt[name] = true
	}
	weights, err := newWeights(cfg)
	if err != nil {
		return nil, err
	}
	writers, err := newClaimWriters(cfg)
	if err != nil {
		return nil, err
	}
	return &Reviewer{
		policies:     policies,
		cluster:      cluster,
		ledger:       ledger,
		targets:      newTargets(cfg.PodTemplates),
		tenantLabel:  cfg.TenantLabel,
		exempt:       exempt,
		weights:      weights,
		claimWriters: writers,
	}, nil
}

// Mutate answers the mutating webhook: a patch for a pod that is created, and in
// a tenant's namespace the label of a reservation for what may hold GPUs.
func (r *Reviewer) Mutate(ctx context.Context, req *Request) (*Outcome, error) {
	policies := r.policies()
	out := &Outcome{Digest: policies.Digest()}
	if out.Skipped = r.skip(req); out.Skipped != "" {
		return out, nil
	}
	if !req.createsPod() && !req.createsClaim() {
		out.Skipped = "only pods and claims that are created are mutated"
		return out, nil
	}
	in, err := r.surroundings(ctx, req, out)
	if err != nil {
		return nil, err
	}
	if req.createsClaim() {
		r.stampClaim(req, in, out)
		return out, nil
	}
	in.Pod = req.pod()
	mutation := policies.Mutate(ctx, in)
	out.add(req, mutation.Results, "", nil)
	out.Modes = nil // only those that failed are told of
	if out.Allowed() {
		out.Patch = mutation.Operations
		in.Pod = mutation.Pod
		err = r.stampPod(in, out)
	}
	return out, err
}

// Validate answers the validating webhook.
func (r *Reviewer) Validate(ctx context.Context, req *Request) (*Outcome, error) {
	policies := r.policies()
	out := &Outcome{Digest: policies.Digest()}
	if out.Skipped = r.skip(req); out.Skipped != "" {
		return out, nil
	}
	kind := req.groupKind()
	if req.createsPod() {
		// The common case never leaves the parsed form.
		in, err := r.surroundings(ctx, req, out)
		if err != nil {
			return nil, err
		}
		in.Pod = req.pod()
		return out, r.admit(ctx, policies, req, in, out)
	}
	if _, holdsPods := r.targets[kind]; !holdsPods {
		if err := r.validateWhole(ctx, policies, req, out); err != nil {
			return nil, err
		}
		return out, nil
	}
	found, misplaced, _ := r.targets.find(kind, req.Object())
	switch {
	case len(found) > maxTargets:
		out.refuse("too-many-templates", "", fmt.Sprintf("the object holds %d pod templates; at most %d are judged", len(found), maxTargets))
		return out, nil
	case len(misplaced) > 0 && !(req.Operation == Update && sameApartFromMetadata(req.Object(), req.OldObject())):
		for _, m := range misplaced {
			out.refuse("malformed", m.path, m.problem)
		}
		out.sort()
		return out, nil
	}
	in, err := r.surroundings(ctx, req, out)
	if err != nil {
		return nil, err
	}
	var old []Target
	if req.Operation == Update {
		old, _, _ = r.targets.find(kind, req.OldObject())
	}
	changes := changesOf(found, old, terminating(req.OldObject()))
	for i, c := range changes {
		r.judgeChange(ctx, policies, in, req, out, c, len(changes)-i)
	}
	foreseen, err := r.forecast(ctx, policies, req, in, out, found, old)
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 && !foreseen {
		out.Skipped = "no pod or pod template changes"
	}
	out.sort()
	return out, nil
}

// validateWhole asks the policies about an object that holds no pods. What they
// do not read of it stays as it was parsed.
func (r *Reviewer) validateWhole(ctx context.Context, policies verdict.Policies, req *Request, out *Outcome) error {
	updates, judged := judgedWhole[req.groupKind()]
	if !judged {
		out.refuse("unknown-kind", "", fmt.Sprintf("usher is asked about %s, but does not know where it holds pods; name it under podTemplates in usher's configuration, or take it out of the webhook's rules", req.kindName()))
		return nil
	}
	in, err := r.surroundings(ctx, req, out)
	if err != nil {
		return err
	}
	if req.createsClaim() {
		return r.admit(ctx, policies, req, in, out)
	}
	if req.Operation == Update && !updates.judge(req.Object(), req.OldObject()) {
		out.Skipped = "nothing that is judged changes"
		return nil
	}
	out.add(req, policies.Validate(ctx, in), "", nil)
	if req.groupKind() == tenantKind {
		checkParameters(policies, req, out)
	}
	return nil
}

// judgeChange asks the policies about one of the targets that a request changes,
// in its share of the time that is left for it and those after it.
func (r *Reviewer) judgeChange(ctx context.Context, policies verdict.Policies, in verdict.Input, req *Request, out *Outcome, c targetChange, left int) {
	ctx, cancel := verdict.Share(ctx, left)
	defer cancel()
	parts := 1
	if c.before.Pod != nil {
		parts = 2 // half is kept for what stood there before
	}
	first, cancelFirst := verdict.Share(ctx, parts)
	defer cancelFirst()
	results := r.judge(first, policies, in, c.now, c.before)
	var known map[Finding]bool
	if c.before.Pod != nil && denies(results) {
		was := &Outcome{}
		was.add(req, r.judge(ctx, policies, in, c.before, c.before), c.now.Path, nil)
		known = excused(was.Denied, c.change, c.now, c.before)
	}
	out.add(req, results, c.now.Path, known)
}

// judge asks the policies about one target. A template is judged as its pods
// will be: mutated.
func (r *Reviewer) judge(ctx context.Context, policies verdict.Policies, in verdict.Input, target, old Target) []verdict.Result {
	in.Pod = target.document()
	if old.Pod != nil {
		in.OldPod = old.document()
	}
	if target.Path == "" {
		return policies.Validate(ctx, in)
	}
	half, cancel := verdict.Share(ctx, 2)
	mutation := policies.Mutate(half, in)
	cancel()
	in.Pod = mutation.Pod
	return slices.Concat(mutation.Results, policies.Validate(ctx, in))
}

// Review judges an object as the cluster would: a pod that is created is mutated
// first. It is what offline review calls.
func (r *Reviewer) Review(ctx context.Context, req *Request, apply func(map[string]any, []verdict.Operation) (map[string]any, error)) (*Outcome, error) {
	mutated, err := r.Mutate(ctx, req)
	if err != nil || !mutated.Allowed() {
		return mutated, err
	}
	after := *req
	if patch := mutated.operations(); len(patch) > 0 {
		object, err := apply(req.Object(), patch)
		if err != nil {
			return nil, err
		}
		after.object = lazyObject{object, object}
		raw := make(map[string]any, len(req.Raw))
		maps.Copy(raw, req.Raw)
		raw["object"] = object
		after.Raw = raw
	}
	out, err := r.Validate(ctx, &after)
	if err != nil {
		return nil, err
	}
	out.Patch = mutated.Patch
	return out, nil
}

// skip says why a request needs no verdict, "" if it needs one.
func (r *Reviewer) skip(req *Request) string {
	switch {
	case req.Operation == Connect || req.Operation == Delete && !judgedDeletions[req.groupKind()]:
		return req.Operation + " is not judged"
	case r.exempt[req.Namespace]:
		return "namespace " + req.Namespace + " is exempt"
	}
	return ""
}

// surroundings collects the namespace and the tenant of a request.
func (r *Reviewer) surroundings(ctx context.Context, req *Request, out *Outcome) (verdict.Input, error) {
	ctx, span := tracing.Start(ctx, "look up")
	defer span.End()
	in, err := r.lookUp(ctx, req)
	if err != nil {
		span.Fail("not found")
	}
	out.Tenant = nameOf(in.Tenant)
	span.Text("usher.tenant", out.Tenant)
	return in, err
}

func (r *Reviewer) lookUp(ctx context.Context, req *Request) (verdict.Input, error) {
	in := verdict.Input{Request: req.Raw}
	if req.groupKind() == tenantKind {
		tenants, err := r.cluster.Tenants(ctx)
		if err != nil {
			return in, fmt.Errorf("look up tenants: %w", err)
		}
		in.Tenants = claims(tenants)
		return in, nil
	}
	if req.Namespace == "" || (req.groupKind() == groupKind{"", "Namespace"}) {
		return in, nil
	}
	var err error
	if in.Namespace, err = r.cluster.Namespace(ctx, req.Namespace); err != nil {
		return in, fmt.Errorf("look up namespace %s: %w", req.Namespace, err)
	}
	if in.Namespace == nil {
		return in, &NoNamespaceError{req.Namespace}
	}
	metadata, _ := in.Namespace["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	name, _ := labels[r.tenantLabel].(string)
	if name == "" {
		return in, nil
	}
	if in.Tenant, err = r.cluster.Tenant(ctx, name); err != nil {
		return in, fmt.Errorf("look up tenant %s: %w", name, err)
	}
	if in.Tenant == nil {
		in.Tenant = map[string]any{"metadata": map[string]any{"name": name}}
	}
	return in, nil
}

// NoNamespaceError says that a request's namespace does not exist.
type NoNamespaceError struct{ Name string }

func (e *NoNamespaceError) Error() string {
	return fmt.Sprintf("namespace %q does not exist", e.Name)
}

// createsPod reports whether the request creates a pod, whole.
func (r *Request) createsPod() bool {
	return r.Operation == Create && r.SubResource == "" && r.groupKind() == groupKind{"", "Pod"}
}

// pod returns the object as policies see a pod.
func (r *Request) pod() map[string]any {
	pod := map[string]any{"path": ""}
	switch object := r.object.value.(type) {
	case *fastjson.Value:
		for _, key := range podFields {
			if v := object.Get(key); v != nil {
				pod[key] = v
			}
		}
		return pod
	default:
		return Target{Pod: r.Object()}.document()
	}
}

func (r *Request) groupKind() groupKind { return groupKind{r.Group, r.Kind} }

func (r *Request) kindName() string {
	return strings.TrimSuffix(r.Kind+"."+r.Version+"."+r.Group, ".")
}

// Retriable reports whether an error of a review is usher's or the cluster's,
// so that the same request may succeed later.
func Retriable(err error) bool {
	var no *NoNamespaceError
	return err != nil && !errors.As(err, &no)
}
