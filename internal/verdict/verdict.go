// Package verdict holds what the webhook asks of the policies and what they
// answer, so that neither side needs the other.
package verdict

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"usher.dev/usher/api/v1alpha1"
)

// Input is what the policies see of one pod or pod template of one request, as
// docs/writing-policies.md describes it. Every value is JSON as Go decodes it:
// nil, bool, string, json.Number, int64, float64, []any, map[string]any. A nil
// map means that the field is absent. Nobody changes what it holds.
type Input struct {
	Request   map[string]any
	Pod       map[string]any
	OldPod    map[string]any
	Namespace map[string]any
	Tenant    map[string]any
	// Tenants are what all Tenants claim, in order of names: set where a Tenant is
	// under review.
	Tenants []any
	// Quota is what the tenant may hold, holds and asks for. Only Reserve is asked
	// with it.
	Quota map[string]any
}

// Finding is one thing that one policy found.
type Finding struct {
	Policy  string
	Check   string
	Message string
	// Path is a JSON pointer (RFC 6901): below the pod as a policy gives it,
	// below the reviewed object once a target's position is put before it.
	// Empty: the whole of it.
	Path string
}

// Compare orders findings by path, policy, check and message.
func Compare(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Policy, b.Policy),
		cmp.Compare(a.Check, b.Check),
		cmp.Compare(a.Message, b.Message),
	)
}

// Sort orders findings and drops repeated ones.
func Sort(findings []Finding) []Finding {
	slices.SortFunc(findings, Compare)
	return slices.Compact(findings)
}

// Result is one policy's verdict on one input, in the mode in force for it.
// Its findings are shared between requests and must not be changed.
type Result struct {
	Policy string
	Mode   v1alpha1.Mode

	Deny  []Finding
	Warn  []Finding
	Audit []Finding

	// Err says why there is no verdict: the policy failed, or ran out of time.
	// It counts as a denial in mode enforce and as a warning in mode warn.
	Err error
}

// ErrDeadline says that an evaluation ran out of time.
var ErrDeadline = errors.New("ran out of time")

// Operation is one operation of RFC 6902 (JSON Patch).
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	From  string `json:"from,omitempty"`
	Value any    `json:"value"`
}

// Mutation is what the mutating policies make of a pod.
type Mutation struct {
	// Operations apply to the pod in this order, each policy's on what the ones
	// before it made. Paths are below the pod.
	Operations []Operation
	// Pod is the input's pod with the operations applied; the same value as in
	// the input when there are none.
	Pod map[string]any
	// Results holds the policies that failed; their operations are not applied.
	Results []Result
}

// Policies is one policy set, in force throughout one review.
type Policies interface {
	// Digest identifies the set, its modes and parameters included.
	Digest() string
	// Mutate asks the mutating policies, in order of their names.
	Mutate(ctx context.Context, in Input) Mutation
	// Validate asks every policy; results are in order of policy names, those
	// of policies that are off left out.
	Validate(ctx context.Context, in Input) []Result
	// CheckParameters says what is wrong with parameters by policy, as a Tenant
	// sets them; findings are in order of policy names. Each of wrong leaves its
	// policy without a verdict on what is the tenant's; each of unknown is of a
	// policy that is not in the set.
	CheckParameters(parameters map[string]any) (wrong, unknown []Finding)
	// Reserve asks the policies that decide on reservations whether in.Quota lets
	// the request have one; results are as those of Validate.
	Reserve(ctx context.Context, in Input) []Result
}
