package webhook

import (
	"context"
	"errors"
	"fmt"

	"usher.dev/usher/quota"
)

// Ledger keeps who holds how much of each tenant's GPUs.
type Ledger interface {
	// Document returns input.quota for what is asked of a tenant, as the ledger
	// is now; nil if the tenant has none. Nothing is reserved.
	Document(ctx context.Context, tenant string, ask quota.Ask) (map[string]any, error)
	// Reserve asks decide whether the entry may be added to the tenant's ledger,
	// any number of times, and adds it if it said yes last. The error is nil, too,
	// where it said no.
	Reserve(ctx context.Context, tenant string, ask quota.Ask, decide func(ctx context.Context, quota map[string]any) bool) error
}

// LedgerError says that GPUs were neither reserved nor refused.
type LedgerError struct {
	Tenant string
	Err    error
}

func (e *LedgerError) Error() string {
	return fmt.Sprintf("reserve GPUs of tenant %q: %v", e.Tenant, e.Err)
}
func (e *LedgerError) Unwrap() error { return e.Err }

// text is what the user is told, who may do no more than try again.
func (e *LedgerError) text(request string) string {
	if errors.Is(e.Err, quota.ErrNotCounted) {
		return fmt.Sprintf("the ledger of tenant %q is being counted; try again", e.Tenant)
	}
	return fmt.Sprintf("usher could not reserve GPUs in the ledger of tenant %q; try again, or ask the platform team to look for request %s in usher's log", e.Tenant, request)
}

// retryAfter is how many seconds a client waits by itself before it asks again
// for what the ledger could not answer. client-go does, ten times.
const retryAfter = 1
