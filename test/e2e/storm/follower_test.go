package storm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"usher.dev/usher/test/e2e/storm/ledgercheck"
)

// All keys of what is followed are between these; Events and Leases are not.
const (
	firstKey = "/registry/pods/"
	afterKey = "/registry/usher.dev0"
	// markKey is no object's; it is written to find out what came before.
	markKey = "/registry/storm/mark"
	// etcdTimeout is more than etcd ever takes while it is there.
	etcdTimeout = 5 * time.Second
)

// follower reads every change from etcd itself, in etcd's order, and tells the
// checkers of the tenants that it was given. Unlike a watch of the API server it
// cannot miss one unnoticed: etcd numbers the versions of each key.
type follower struct {
	etcd *clientv3.Client
	stop context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	moved   *sync.Cond
	world   *world
	seen    int64 // revision up to which all changes were told
	failure error
}

// follow begins to follow an etcd.
func follow(ctx context.Context, endpoint string) (*follower, error) {
	etcd, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: etcdTimeout, Logger: zap.NewNop()})
	if err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	response, err := etcd.Get(ctx, firstKey, clientv3.WithRange(afterKey))
	if err != nil {
		_ = etcd.Close()
		return nil, fmt.Errorf("read etcd: %w", err)
	}
	watching, stop := context.WithCancel(context.Background())
	f := &follower{etcd: etcd, stop: stop, done: make(chan struct{}), world: newWorld()}
	f.moved = sync.NewCond(&f.mu)
	if err := f.world.begin(response.Kvs); err != nil {
		return nil, errors.Join(err, etcd.Close())
	}
	f.seen = response.Header.Revision
	go f.watch(watching)
	return f, nil
}

func (f *follower) watch(ctx context.Context) {
	defer close(f.done)
	changes := f.etcd.Watch(ctx, firstKey, clientv3.WithRange(afterKey), clientv3.WithRev(f.seen+1), clientv3.WithFragment())
	for response := range changes {
		f.mu.Lock()
		if err := response.Err(); err != nil {
			f.failure = fmt.Errorf("watch etcd: %w", err)
		}
		for _, event := range response.Events {
			if err := f.world.change(event); err != nil {
				f.failure = errors.Join(f.failure, err)
			}
			f.seen = event.Kv.ModRevision
		}
		f.moved.Broadcast()
		f.mu.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failure == nil {
		f.failure = errors.New("the watch of etcd has ended")
	}
	f.moved.Broadcast()
}

// release ends it.
func (f *follower) release() {
	if f == nil {
		return
	}
	f.stop()
	<-f.done
	_ = f.etcd.Close()
}

// now returns etcd's revision.
func (f *follower) now(ctx context.Context) (int64, error) {
	// The client would wait for an etcd that is away for as long as it is let.
	ctx, cancel := context.WithTimeout(ctx, etcdTimeout)
	defer cancel()
	response, err := f.etcd.Get(ctx, markKey, clientv3.WithCountOnly())
	if err != nil {
		return 0, fmt.Errorf("read etcd's revision: %w", err)
	}
	return response.Header.Revision, nil
}

// catchUp waits until everything was told that had happened before it was called.
func (f *follower) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, etcdTimeout)
	defer cancel()
	response, err := f.etcd.Put(ctx, markKey, "")
	if err != nil {
		return fmt.Errorf("write a mark into etcd: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.seen < response.Header.Revision && f.failure == nil {
		f.moved.Wait()
	}
	return f.failure
}

// track begins to check a tenant, by its namespaces.
func (f *follower) track(tenant string, namespaces ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.world.track(f.seen, tenant, namespaces)
}

// check asks something of a tenant's checker, between two changes.
func (f *follower) check(tenant string, ask func(*ledgercheck.Checker)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ask(f.world.checkers[tenant])
}
