package webhook

import (
	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/quota"
)

// reservationPath points to the label of a reservation's ID in an object.
var reservationPath = "/metadata/labels/" + escape(v1alpha1.ReservationLabel)

// stamp returns the operations that give an object with such metadata a
// reservation's ID, over whatever it brings.
func stamp(metadata any, id string) ([]verdict.Operation, *misplaced) {
	labels, wrong := labelsIn(metadata)
	label := map[string]any{v1alpha1.ReservationLabel: id}
	switch {
	case wrong != nil:
		return nil, wrong
	case metadata == nil:
		return []verdict.Operation{{Op: "add", Path: "/metadata", Value: map[string]any{"labels": label}}}, nil
	case labels == nil:
		return []verdict.Operation{{Op: "add", Path: "/metadata/labels", Value: label}}, nil
	default:
		return []verdict.Operation{{Op: "add", Path: reservationPath, Value: id}}, nil
	}
}

// unstamp returns the operations that take the label from an object that is not
// to have it: none, most of the time.
func unstamp(metadata any) ([]verdict.Operation, *misplaced) {
	labels, wrong := labelsIn(metadata)
	if wrong != nil || !has(labels, v1alpha1.ReservationLabel) {
		return nil, wrong
	}
	return []verdict.Operation{{Op: "remove", Path: reservationPath}}, nil
}

// labelsIn returns the labels of an object's metadata, nil where there are none.
func labelsIn(metadata any) (labels any, wrong *misplaced) {
	if metadata != nil && !isObject(metadata) {
		return nil, &misplaced{"/metadata", "is " + typeOf(metadata) + "; it has to be an object"}
	}
	labels = member(metadata, "labels")
	if labels != nil && !isObject(labels) {
		return nil, &misplaced{"/metadata/labels", "is " + typeOf(labels) + "; it has to be an object"}
	}
	return labels, nil
}

// stampPod gives a pod that asks for GPUs, as the policies have patched it, a
// reservation's ID. A pod that asks for none has no business with one.
func (r *Reviewer) stampPod(in verdict.Input, out *Outcome) error {
	if r.ledger == nil || in.Tenant == nil {
		return nil
	}
	asks, err := r.asksForGPUs(in.Pod, in.Tenant)
	if err != nil {
		return err
	}
	out.stamp(member(in.Pod, "metadata"), asks)
	return nil
}

// stampClaim gives every claim a reservation's ID: which devices it may be given,
// its class alone says. What a scheduler claims for a pod's extended resources
// was reserved with the pod, and is told by the label that it has not.
func (r *Reviewer) stampClaim(req *Request, in verdict.Input, out *Outcome) {
	if r.ledger == nil || in.Tenant == nil {
		return
	}
	out.stamp(member(req.object.value, "metadata"), !r.isSchedulersClaim(req))
}

// stamp writes the label, or takes it away.
func (o *Outcome) stamp(metadata any, holds bool) {
	operations, wrong := unstamp(metadata)
	if holds {
		operations, wrong = stamp(metadata, quota.NewID())
	}
	if wrong != nil {
		o.refuse("malformed", wrong.path, wrong.problem)
		return
	}
	o.Stamp = operations
}
