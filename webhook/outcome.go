package webhook

import (
	"cmp"
	"errors"
	"slices"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
)

// Finding is a policy's finding about the reviewed object: its path points
// into the object that the user wrote.
type Finding struct {
	verdict.Finding

	// Mode is the mode in which the policy found it: enforce for what denies.
	Mode v1alpha1.Mode
	// Field is the path as Kubernetes writes it, spec.containers[0].image.
	Field string
	// Container is the name of the container that the path leads through, if any.
	Container string
}

// Outcome is what usher answers to one review.
type Outcome struct {
	// Denied holds every violation of every enforcing policy, sorted; the
	// request is allowed when there is none.
	Denied []Finding
	// Warned holds what the user is told beside the verdict, sorted.
	Warned []Finding
	// Audited holds what only the audit log is told, sorted.
	Audited []Finding
	// Patch holds the operations on the object by which the policies mutate it,
	// Stamp those that usher adds behind them: a reservation's ID is another one
	// each time, so that reviews that nobody waits for leave it out.
	Patch, Stamp []verdict.Operation
	// Reserved is what was reserved; nil if nothing was.
	Reserved *Reservation
	// Modes are those of the policies that were asked for a verdict.
	Modes map[string]v1alpha1.Mode
	// Tenant is whose namespace the request is in, "" for nobody's.
	Tenant string
	// Digest identifies the policy set that judged.
	Digest string
	// Skipped says why no policy was asked; empty when they were.
	Skipped string
	// Errors holds what went wrong inside usher, for its log: the user sees
	// that a policy failed, not how.
	Errors []error
}

// Allowed reports whether the request may go on.
func (o *Outcome) Allowed() bool { return len(o.Denied) == 0 }

// operations mutate the object, in this order.
func (o *Outcome) operations() []verdict.Operation {
	if len(o.Stamp) == 0 {
		return o.Patch
	}
	return slices.Concat(o.Patch, o.Stamp)
}

// refuse denies for a reason of usher's own.
func (o *Outcome) refuse(check, path, message string) {
	o.Denied = append(o.Denied, own(check, path, message, v1alpha1.ModeEnforce))
}

// warn warns of something that usher itself found.
func (o *Outcome) warn(check, path, message string) {
	o.Warned = append(o.Warned, own(check, path, message, v1alpha1.ModeWarn))
}

func own(check, path, message string, mode v1alpha1.Mode) Finding {
	f := Finding{Finding: verdict.Finding{Policy: "usher", Check: check, Message: message, Path: path}, Mode: mode}
	f.Field, _ = locate(nil, path)
	return f
}

// CheckError is the check of a finding that says that a policy gave no verdict.
const CheckError = "error"

// add sorts the results of policies into the outcome. prefix is where the
// judged pod stands in the object. Denials that are known already only warn; a
// policy that gives no verdict denies each time.
func (o *Outcome) add(req *Request, results []verdict.Result, prefix string, known map[Finding]bool) {
	for _, result := range results {
		if o.Modes == nil {
			o.Modes = make(map[string]v1alpha1.Mode, len(results))
		}
		o.Modes[result.Policy] = result.Mode
		place := func(f verdict.Finding) Finding {
			f.Path = prefix + f.Path
			placed := Finding{Finding: f, Mode: result.Mode}
			placed.Field, placed.Container = locate(req.Object(), f.Path)
			return placed
		}
		denials := result.Deny
		if result.Err != nil {
			o.Errors = append(o.Errors, &PolicyError{Policy: result.Policy, Err: result.Err})
			denials = []verdict.Finding{{
				Policy: result.Policy, Check: CheckError,
				Message: "the policy gave no verdict: it " + failure(result.Err) + "; try again, or ask the platform team to look for request " + req.UID + " in usher's log",
			}}
		}
		for _, f := range denials {
			placed := place(f)
			switch {
			case result.Mode == v1alpha1.ModeEnforce && result.Err == nil && known[placed]:
				placed.Mode = v1alpha1.ModeWarn
				o.Warned = append(o.Warned, placed)
			case result.Mode == v1alpha1.ModeEnforce:
				o.Denied = append(o.Denied, placed)
			case result.Mode == v1alpha1.ModeWarn:
				o.Warned = append(o.Warned, placed)
			default:
				o.Audited = append(o.Audited, placed)
			}
		}
		for _, f := range result.Warn {
			placed := place(f)
			placed.Mode = v1alpha1.ModeWarn
			o.Warned = append(o.Warned, placed)
		}
		for _, f := range result.Audit {
			placed := place(f)
			placed.Mode = v1alpha1.ModeAudit
			o.Audited = append(o.Audited, placed)
		}
	}
	o.sort()
}

func (o *Outcome) sort() {
	for _, list := range [][]Finding{o.Denied, o.Warned, o.Audited} {
		slices.SortFunc(list, func(a, b Finding) int {
			return cmp.Or(verdict.Compare(a.Finding, b.Finding), cmp.Compare(a.Mode, b.Mode))
		})
	}
	o.Denied = slices.Compact(o.Denied)
	// What denies needs no warning beside it.
	denied := make(map[verdict.Finding]bool, len(o.Denied))
	for _, f := range o.Denied {
		denied[f.Finding] = true
	}
	o.Warned = slices.DeleteFunc(slices.Compact(o.Warned), func(f Finding) bool { return denied[f.Finding] })
	o.Audited = slices.Compact(o.Audited)
}

// PolicyError is a policy that gave no verdict.
type PolicyError struct {
	Policy string
	Err    error
}

func (e *PolicyError) Error() string { return "policy " + e.Policy + ": " + e.Err.Error() }
func (e *PolicyError) Unwrap() error { return e.Err }

// failure says in general words how a policy failed.
func failure(err error) string {
	if errors.Is(err, verdict.ErrDeadline) {
		return "ran out of time"
	}
	return "failed"
}
