package quota

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// page is how many objects one live read brings.
const page = 500

// lister lists into a list and calls visit when there is something in it.
type lister func(ctx context.Context, into client.ObjectList, visit func(), options ...client.ListOption) error

// cached lists from the cache, which knows no pages.
func (s *Settler) cached(ctx context.Context, into client.ObjectList, visit func(), options ...client.ListOption) error {
	if err := s.cache.List(ctx, into, options...); err != nil {
		return err
	}
	visit()
	return nil
}

// paged lists live, as of one moment.
func (s *Settler) paged(ctx context.Context, into client.ObjectList, visit func(), options ...client.ListOption) error {
	for more := ""; ; {
		if err := s.live.List(ctx, into, append(slices.Clip(options), client.Limit(page), client.Continue(more))...); err != nil {
			return err
		}
		visit()
		if more = into.GetContinue(); more == "" {
			return nil
		}
	}
}
