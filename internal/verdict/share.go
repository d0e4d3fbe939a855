package verdict

import (
	"context"
	"time"
)

// Share returns a context that ends after an even share of the time left, for
// the first of n steps that follow each other: a policy that uses up its time in
// one step leaves the other policies theirs.
func Share(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || n <= 1 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(n))
}
