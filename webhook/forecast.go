package webhook

import (
	"context"
	"maps"
	"slices"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/quota"
)

// forecast warns of what the tenant's ledger would refuse now of the pods that a
// workload makes: of all of them when it is created, of those that come to it
// when it is updated. It never denies, since room may be free by then. It reports
// whether there was anything to ask.
func (r *Reviewer) forecast(ctx context.Context, policies verdict.Policies, req *Request, in verdict.Input, out *Outcome, now, before []Target) (bool, error) {
	if r.ledger == nil || !grantsGPUs(in.Tenant) || req.SubResource != "" || isControlled(req.Object()) || terminating(req.Object()) {
		return false, nil
	}
	was := make(map[string]Target, len(before))
	for _, t := range before {
		was[t.Path] = t
	}
	asked := false
	for _, t := range now {
		if t.Path == "" {
			continue
		}
		ask, err := r.growth(req, in.Tenant, t, was[t.Path])
		if err != nil {
			return asked, err
		}
		if ask == nil {
			continue
		}
		asked = true
		document, err := r.ledger.Document(ctx, nameOf(in.Tenant), *ask)
		if err != nil {
			out.Errors = append(out.Errors, &LedgerError{nameOf(in.Tenant), err})
			continue
		}
		if document == nil {
			continue
		}
		in.Pod, in.OldPod, in.Quota = t.document(), nil, document
		out.add(req, warnings(policies.Reserve(ctx, in)), t.Path, nil)
	}
	return asked, nil
}

// growth is what a workload's pods of a template ask for beyond what they asked
// for before; nil where that is nothing.
func (r *Reviewer) growth(req *Request, tenant map[string]any, now, before Target) (*quota.Ask, error) {
	amount, replicas, err := r.workload(req, tenant, req.Object(), now)
	if err != nil {
		return nil, err
	}
	had, pods, err := r.workload(req, tenant, req.OldObject(), before)
	if err != nil {
		return nil, err
	}
	switch {
	case had.IsZero():
	case amount.Units == had.Units && maps.Equal(amount.Resources, had.Resources):
		// More of the same.
		replicas -= pods
	case pods == replicas:
		amount = amount.Beyond(had)
	default:
		amount, replicas = amount.Times(replicas).Beyond(had.Times(pods)), 1
	}
	if replicas <= 0 || amount.IsZero() {
		return nil, nil
	}
	return &quota.Ask{
		Entry:    v1alpha1.LedgerEntry{Kind: v1alpha1.KindPod, Namespace: req.Namespace, Name: req.Name, MicroUnits: int64(amount.Units), Resources: amount.Resources},
		Replicas: replicas,
	}, nil
}

// workload is what one pod of a template asks for, and how many of them an object
// makes; nothing where there is no template.
func (r *Reviewer) workload(req *Request, tenant, object map[string]any, t Target) (quota.Amount, int64, error) {
	if t.Pod == nil {
		return quota.Amount{}, 0, nil
	}
	pod := t.document()
	asks, err := r.asksForGPUs(pod, tenant)
	if err != nil || !asks {
		return quota.Amount{}, 0, err
	}
	weights, err := r.weights.of(tenant)
	if err != nil {
		return quota.Amount{}, 0, err
	}
	amount, err := podAmount(weights, pod)
	if err != nil {
		// What cannot be read is the policies' to deny.
		return quota.Amount{}, 0, nil //nolint:nilerr // as the comment says
	}
	return amount, replicasOf(req.groupKind(), object, t.Path), nil
}

// warnings are results that warn where they denied.
func warnings(results []verdict.Result) []verdict.Result {
	out := slices.Clone(results)
	for i := range out {
		if out[i].Mode == v1alpha1.ModeEnforce {
			out[i].Mode = v1alpha1.ModeWarn
		}
	}
	return out
}

// isControlled reports whether another object owns this one and manages it: who
// wrote that one has been warned.
func isControlled(object map[string]any) bool {
	return anyElement(member(member(object, "metadata"), "ownerReferences"), func(owner any) bool {
		controls, _ := member(owner, "controller").(bool)
		return controls
	})
}
