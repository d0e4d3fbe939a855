package tenancy

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patience is how long a write is trusted to come back by the watch. Beyond it,
// what the cache has is believed again.
const patience = 10 * time.Second

// recent remembers writes that the cache has not shown yet, so that nothing is
// written twice because a watch is a little behind.
type recent struct {
	mu     sync.Mutex
	writes map[string]recentWrite
}

type recentWrite struct {
	version string
	at      time.Time
}

func newRecent() *recent { return &recent{writes: map[string]recentWrite{}} }

func keyOf(o client.Object) string {
	return fmt.Sprintf("%T/%s/%s", o, o.GetNamespace(), o.GetName())
}

// wrote notes a write, as the API server answered it.
func (r *recent) wrote(o client.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes[keyOf(o)] = recentWrite{o.GetResourceVersion(), time.Now()}
}

// saw notes what the cache shows: the object as of a write or later, or gone.
func (r *recent) saw(o client.Object, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := keyOf(o)
	write, ok := r.writes[key]
	if !ok {
		return
	}
	order, err := resourceversion.CompareResourceVersion(o.GetResourceVersion(), write.version)
	if err != nil || order >= 0 || gone && time.Since(write.at) > patience {
		delete(r.writes, key)
	}
}

// pending says whether what the cache shows of an object, empty for nothing, is
// known to be behind of what was written to it, and for how much longer that is
// believed.
func (r *recent) pending(o client.Object, cached string) (time.Duration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := keyOf(o)
	write, ok := r.writes[key]
	if !ok {
		return 0, false
	}
	left := patience - time.Since(write.at)
	if cached != "" {
		if order, err := resourceversion.CompareResourceVersion(cached, write.version); err != nil || order >= 0 {
			left = 0
		}
	}
	if left <= 0 {
		delete(r.writes, key)
	}
	return left, left > 0
}
