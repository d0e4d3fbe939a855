package storm

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// killer kills webhooks and the leading controller for as long as it is let.
type killer struct {
	*cluster
	// each is how long a webhook lives, and leads how long a controller does, once
	// it is ready again.
	each, leads time.Duration
	webhooks    int
	leaders     int
}

// during kills processes at random while f runs.
func (k *killer) during(t *testing.T, f func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		for wait(ctx, k.each) {
			if k.Webhooks[rand.IntN(len(k.Webhooks))].Kill(ctx) == nil {
				k.webhooks++
			}
		}
	})
	group.Go(func() {
		for wait(ctx, k.leads) {
			leader, err := k.Leader(ctx)
			if err == nil && leader.Kill(ctx) == nil {
				k.leaders++
			}
		}
	})
	f()
	stop()
	group.Wait()
	t.Logf("killed %d webhooks and %d leading controllers", k.webhooks, k.leaders)
}

// wait waits; false: the context has ended.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
