package webhook

import (
	"context"
	"errors"
	"slices"
	"sync"

	resourcev1 "k8s.io/api/resource/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/quota"
)

// Reservation is what an admitted pod or claim reserved.
type Reservation struct {
	ID    string
	Units quota.Units
}

// admit judges a pod or claim that is created, and reserves the GPUs that it
// holds from now on.
func (r *Reviewer) admit(ctx context.Context, policies verdict.Policies, req *Request, in verdict.Input, out *Outcome) error {
	ask, wrong, err := r.holding(req, in)
	if err != nil {
		return err
	}
	judging, cancel := ctx, context.CancelFunc(func() {})
	if ask != nil {
		// A policy that uses up its time leaves the ledger its own.
		judging, cancel = verdict.Share(ctx, 2)
	}
	out.add(req, policies.Validate(judging, in), "", nil)
	cancel()
	if wrong != nil && out.Allowed() {
		out.refuse(wrong.check, wrong.path, wrong.problem)
	}
	if ask == nil || wrong != nil {
		return nil
	}
	return r.reserve(ctx, policies, req, in, out, *ask)
}

// reserve adds what an object holds to its tenant's ledger, if the policies let
// it. What is refused already, or a dry run, is only told what they would say.
func (r *Reviewer) reserve(ctx context.Context, policies verdict.Policies, req *Request, in verdict.Input, out *Outcome, ask quota.Ask) error {
	tenant := nameOf(in.Tenant)
	if req.DryRun || !out.Allowed() {
		document, err := r.ledger.Document(ctx, tenant, ask)
		if err == nil && document == nil {
			err = quota.ErrNotCounted
		}
		switch {
		case err == nil:
			in.Quota = document
			out.add(req, policies.Reserve(ctx, in), "", nil)
		case out.Allowed():
			return &LedgerError{tenant, err}
		default:
			// The request is refused without it.
			out.Errors = append(out.Errors, &LedgerError{tenant, err})
		}
		return nil
	}
	var d decision
	err := r.ledger.Reserve(ctx, tenant, ask, func(ctx context.Context, quota map[string]any) bool {
		return d.decide(func() []verdict.Result {
			asking := in
			asking.Quota = quota
			return policies.Reserve(ctx, asking)
		})
	})
	results, decided := d.end()
	full, isFull := errors.AsType[*quota.FullError](err)
	switch {
	case errors.Is(err, quota.ErrSpent):
		out.refuse("reservation", reservationPath, quota.ErrSpent.Error())
		return nil
	case isFull:
		out.refuse("ledger-full", "", full.Error())
		return nil
	case err != nil:
		return &LedgerError{tenant, err}
	}
	out.add(req, results, "", nil)
	if decided && out.Allowed() {
		out.Reserved = &Reservation{ask.Entry.Reservation, quota.Units(ask.Entry.MicroUnits)}
	}
	return nil
}

// decision is what the policies said of a reservation, the last time that they
// were asked. The ledger may ask from another goroutine, but what the policies
// read is gone once the review has ended.
type decision struct {
	mu      sync.Mutex
	ended   bool
	decided bool
	results []verdict.Result
}

func (d *decision) decide(ask func() []verdict.Result) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return false
	}
	d.results, d.decided = ask(), true
	return !slices.ContainsFunc(d.results, refuses)
}

// end waits for a question that is being answered; further ones are refused.
func (d *decision) end() (results []verdict.Result, decided bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	return d.results, d.decided
}

// refuses reports whether a result denies the request: a policy that is enforced
// and gives no verdict does.
func refuses(result verdict.Result) bool {
	return result.Mode == v1alpha1.ModeEnforce && (len(result.Deny) > 0 || result.Err != nil)
}

// unfit is why an object cannot be asked about at the ledger.
type unfit struct{ check, path, problem string }

// holding says what a pod or claim that is created asks of its tenant's ledger:
// nil where it holds no GPU, or no ledger is kept.
func (r *Reviewer) holding(req *Request, in verdict.Input) (*quota.Ask, *unfit, error) {
	if r.ledger == nil || in.Tenant == nil {
		return nil, nil, nil
	}
	isClaim := req.createsClaim()
	if isClaim && r.isSchedulersClaim(req) {
		return nil, nil, nil
	}
	metadata := member(req.object.value, "metadata")
	if !isClaim {
		asks, err := r.asksForGPUs(in.Pod, in.Tenant)
		if err != nil {
			return nil, nil, err
		}
		if !asks && has(member(metadata, "labels"), v1alpha1.ReservationLabel) {
			return nil, &unfit{"reservation", reservationPath, "the pod asks for no GPU, and usher reserves none for it; leave the label out"}, nil
		}
		if !asks {
			return nil, nil, nil
		}
	}
	if !grantsGPUs(in.Tenant) {
		return nil, nil, nil
	}
	weights, err := r.weights.of(in.Tenant)
	if err != nil {
		return nil, nil, err
	}
	var amount quota.Amount
	if isClaim {
		amount, err = claimAmount(weights, req.Object())
	} else {
		amount, err = podAmount(weights, in.Pod)
	}
	if err != nil {
		return nil, &unfit{"malformed", "/spec", err.Error()}, nil
	}
	if amount.IsZero() {
		return nil, nil, nil
	}
	id := textOf(member(member(metadata, "labels"), v1alpha1.ReservationLabel))
	if id == "" {
		return nil, &unfit{"reservation", reservationPath, "what holds GPUs bears the ID of their reservation here, which usher's mutating webhook writes; the platform team sees to it that it is registered and comes first"}, nil
	}
	return &quota.Ask{Entry: entryOf(req, metadata, id, amount)}, nil, nil
}

// entryOf is the ledger's entry of an object that is created.
func entryOf(req *Request, metadata any, id string, amount quota.Amount) v1alpha1.LedgerEntry {
	name := textOf(member(metadata, "name"))
	if name == "" {
		name = textOf(member(metadata, "generateName"))
	}
	return v1alpha1.LedgerEntry{
		Reservation: id, Kind: req.Kind, Namespace: req.Namespace, Name: name,
		MicroUnits: int64(amount.Units), Resources: amount.Resources,
	}
}

// createsClaim reports whether the request creates a claim of devices.
func (r *Request) createsClaim() bool {
	return r.Operation == Create && r.SubResource == "" && r.groupKind() == claimKind
}

var claimKind = groupKind{resourcev1.GroupName, "ResourceClaim"}
