package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"usher.dev/usher/internal/tracing"
	"usher.dev/usher/internal/verdict"
)

const (
	// maxAbandoned is how many evaluations of one query may hang before it is
	// not asked any more.
	maxAbandoned = 8
	// grace is how long an evaluation may run on after its deadline before it
	// counts as hanging. OPA stops at the next expression, on a busy machine
	// not at once; a builtin that hangs does not stop.
	grace = 500 * time.Millisecond
)

// ErrBusy says that a policy was not asked because it hangs.
var ErrBusy = errors.New("earlier evaluations of this policy hang")

// evaluator runs one prepared query.
type evaluator struct {
	prepared  rego.PreparedEvalQuery
	rules     []string
	abandoned *atomic.Int32
}

// answer is what a query says of one input. It is shared and never changed.
type answer struct {
	deny, warn, audit []verdict.Finding
	operations        []verdict.Operation
}

func (a answer) fill(r *verdict.Result) { r.Deny, r.Warn, r.Audit = a.deny, a.warn, a.audit }

// outcome is the end of an evaluation.
type outcome struct {
	answer answer
	err    error
}

func newEvaluator(c *ast.Compiler, refs []ast.Ref, rules []string, applies ast.Ref) (evaluator, error) {
	var body ast.Body
	if applies != nil {
		holds := ast.ArrayComprehensionTerm(ast.InternedTerm(true), ast.NewBody(ast.NewExpr(ast.NewTerm(applies))))
		body = append(body, ast.Equality.Expr(ast.VarTerm("result_"+ruleApplies), holds))
	}
	for i, ref := range refs {
		body = append(body, ast.Equality.Expr(ast.VarTerm("result_"+rules[i]), ast.NewTerm(ref)))
	}
	for i := range body {
		body[i].Index = i
	}
	prepared, err := rego.New(
		rego.ParsedQuery(body),
		rego.Compiler(c),
		rego.Capabilities(capabilities()),
		rego.StrictBuiltinErrors(true),
	).PrepareForEval(context.Background())
	if err != nil {
		return evaluator{}, fmt.Errorf("prepare query: %w", err)
	}
	return evaluator{prepared, rules, new(atomic.Int32)}, nil
}

// start evaluates the query in the background, so that nothing a policy does
// holds the request up past its deadline. span ends with the evaluation, or when
// that hangs.
func (q *query) start(ctx context.Context, span tracing.Span, key, gateKey [sha256.Size]byte, doc map[string]any) <-chan outcome {
	done := make(chan outcome, 1)
	if q.eval.abandoned.Load() >= maxAbandoned {
		span.Fail("hangs")
		span.End()
		done <- outcome{err: ErrBusy}
		return done
	}
	input, err := q.project(doc)
	if err != nil {
		span.Fail("no input")
		span.End()
		done <- outcome{err: err}
		return done
	}
	cancel := topdown.NewCancel()
	finished := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		cancel.Cancel()
		select {
		case <-finished:
			return
		case <-time.After(grace):
		}
		span.Fail("hangs")
		span.End()
		q.eval.abandoned.Add(1)
		<-finished
		q.eval.abandoned.Add(-1)
	})
	inBackground(func() {
		defer close(finished)
		defer stop()
		found, applies, err := q.evaluate(cancel, input)
		if err == nil {
			q.answers.add(key, found)
			if q.gate != nil {
				q.gate.known.Add(gateKey, applies)
			}
		}
		told(span, found, err)
		done <- outcome{found, err}
	})
	return done
}

// told ends the span of an evaluation.
func told(span tracing.Span, found answer, err error) {
	if span.Recorded() {
		span.Count("usher.denied", len(found.deny))
		span.Count("usher.warned", len(found.warn))
		switch {
		case errors.Is(err, verdict.ErrDeadline):
			span.Fail("ran out of time")
		case err != nil:
			span.Fail("failed")
		}
	}
	span.End()
}

// await waits for an evaluation, but not past the deadline.
func await(ctx context.Context, pending <-chan outcome) (answer, error) {
	select {
	case o := <-pending:
		return o.answer, o.err
	default:
	}
	select {
	case o := <-pending:
		return o.answer, o.err
	case <-ctx.Done():
		return answer{}, verdict.ErrDeadline
	}
}

// project copies what the query reads out of a document, so that an evaluation
// that runs on after its deadline holds nothing of the request.
func (q *query) project(doc map[string]any) (input ast.Value, err error) {
	defer q.recovered(&err)
	return q.readsOf(doc).Project(doc).Value, nil
}

// recovered turns a panic into an error of the policy.
func (q *query) recovered(err *error) {
	if r := recover(); r != nil {
		*err = &PanicError{Policy: q.policy, Value: r, Stack: debug.Stack()}
	}
}

// evaluate returns what the query finds, and whether its policy applies; where
// it does not, nothing counts.
func (q *query) evaluate(cancel topdown.Cancel, input ast.Value) (found answer, applies bool, err error) {
	defer q.recovered(&err)
	results, err := q.eval.prepared.Eval(context.Background(),
		rego.EvalParsedInput(input),
		rego.EvalExternalCancel(cancel),
	)
	switch {
	case topdown.IsCancel(err):
		return answer{}, false, verdict.ErrDeadline
	case err != nil:
		return answer{}, false, fmt.Errorf("evaluate: %w", err)
	case len(results) != 1:
		return answer{}, false, fmt.Errorf("evaluate: %d results, want one", len(results))
	}
	bindings := results[0].Bindings
	if q.gate != nil {
		if holds, ok := bindings["result_"+ruleApplies].([]any); !ok || len(holds) == 0 {
			return answer{}, false, nil
		}
	}
	found, err = q.decode(bindings)
	return found, true, err
}

// PanicError is a policy that made OPA panic.
type PanicError struct {
	Policy string
	Value  any
	Stack  []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }
