package steady

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// until repeats f until it succeeds.
func until(ctx context.Context, what string, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	for {
		err := f()
		if err == nil {
			return nil
		}
		if e := pass(ctx, 100*time.Millisecond); e != nil {
			return fmt.Errorf("wait until %s: %w", what, errors.Join(err, e))
		}
	}
}

// pass lets time pass.
func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
