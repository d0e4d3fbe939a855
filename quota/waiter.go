package quota

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// waiter is one request to reserve.
type waiter struct {
	ctx     context.Context
	ask     Ask
	decide  func(ctx context.Context, quota map[string]any) bool
	arrived time.Time
	done    chan answer
	// answered is the scribe's note that it has answered.
	answered bool
}

// answer is what became of a request.
type answer struct {
	outcome string
	err     error
}

// Outcomes of requests, as usher_ledger_reservations_total names them.
const (
	reserved = "reserved"
	denied   = "denied"
	late     = "late"
	failed   = "failed"
)

// tell answers the request, once; one that has left does not hear it.
func (w *waiter) tell(a answer) {
	if w.answered {
		return
	}
	w.answered = true
	w.done <- a
}

// gone says that nobody waits for an answer any more.
func (w *waiter) gone() bool { return w.answered || w.ctx.Err() != nil }

// errPanic says that a decision ended in a panic.
var errPanic = errors.New("the decision panicked")

// judge asks the request's own rule; a panic of it is an error like others.
func (w *waiter) judge(quota map[string]any) (yes bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
		}
	}()
	return w.decide(w.ctx, quota), nil
}
