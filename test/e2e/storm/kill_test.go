package storm

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/installation"
)

// killer kills and pauses webhooks and the leading controller for as long as it is
// let.
type killer struct {
	*cluster
	// each is how long no webhook is killed or paused, leads how long no controller
	// is, and hangs how long those are paused that are.
	each, leads, hangs time.Duration

	killed, paused, deposed, hung atomic.Int32
}

// during kills and pauses processes at random while f runs.
func (k *killer) during(t *testing.T, f func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	again := func(pause time.Duration, do func() (count *atomic.Int32, err error)) {
		group.Go(func() {
			for wait(ctx, pause) {
				// Of those that are not there just now, another may be next time.
				if count, err := do(); err == nil {
					count.Add(1)
				}
			}
		})
	}
	webhook := func() *installation.Unit { return k.Webhooks[rand.IntN(len(k.Webhooks))] }
	again(k.each, func() (*atomic.Int32, error) { return &k.killed, webhook().Kill(ctx) })
	again(k.each, func() (*atomic.Int32, error) { return &k.paused, webhook().Pause(ctx, rand.N(k.hangs)) })
	again(k.leads, func() (*atomic.Int32, error) {
		leader, err := k.Leader(ctx)
		if err != nil {
			return nil, err
		}
		if k.hung.Load() < k.deposed.Load() {
			// Long enough, now and then, for the other to lead as well.
			return &k.hung, leader.Pause(ctx, rand.N(4*k.hangs))
		}
		return &k.deposed, leader.Kill(ctx)
	})
	f()
	stop()
	group.Wait()
	t.Logf("killed %d webhooks and %d leading controllers, paused %d and %d",
		k.killed.Load(), k.deposed.Load(), k.paused.Load(), k.hung.Load())
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
