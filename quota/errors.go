package quota

import (
	"errors"
	"fmt"
)

// ErrNotCounted says that a tenant has no ledger yet, or that usher-controller
// has not counted yet what it holds: nothing can be reserved now, but soon.
var ErrNotCounted = errors.New("the GPUs that the tenant holds are not counted yet; try again in a few seconds")

// ErrSpent says that a reservation is a live pod's or claim's already. Only a
// request that reached the API server without usher's /mutate brings one along.
var ErrSpent = errors.New("the reservation belongs to a pod or claim that is there already; let usher write the label itself")

// FullError says that a ledger has no room for another entry.
type FullError struct {
	// What there is too much of, and how much of it there may be.
	What  string
	Limit int
}

func (e *FullError) Error() string {
	return fmt.Sprintf("the tenant's ledger is full: it holds at most %d %s; delete pods or claims, or spread them over more tenants", e.Limit, e.What)
}
