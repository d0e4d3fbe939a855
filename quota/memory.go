package quota

import (
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"usher.dev/usher/api/v1alpha1"
)

// memory is what the settler knows of one tenant beside what the API server has.
// A process that has just started knows nothing, and nothing depends on it but
// how soon units return.
type memory struct {
	ages ages
	// settled is when the tenant was last settled.
	settled time.Time
	// written is the ledger as this process wrote it or read it live; a cache may
	// be behind.
	written *v1alpha1.QuotaLedger
	// newest is the newest state of the ledger that was ever known.
	newest struct {
		uid     types.UID
		version string
	}
	// doubtful says that what is known of the ledger must be read live.
	doubtful bool
	// counted is when a counted ledger was last known.
	counted time.Time
	// born says that the tenant was made while this process watched, so that no
	// request can have reserved anything before. Guarded by the Settler.
	born bool
	// idle is a ledger on which nothing can have been reserved since then: it was
	// not there, or not counted.
	idle struct {
		uid   types.UID
		since time.Time
	}
	over, full bool
}

// rest says how long to wait until no request can be under way that reserved
// something in an earlier ledger of the tenant, which is lost.
func (m *memory) rest(ledger types.UID, now time.Time, ttl time.Duration) time.Duration {
	if m.born && (m.counted.IsZero() || now.Sub(m.counted) >= ttl) {
		return 0
	}
	if m.idle.uid != ledger || m.idle.since.IsZero() {
		m.idle.uid, m.idle.since = ledger, now
	}
	return max(0, ttl-now.Sub(m.idle.since))
}

// older says that a state of the ledger is older than one that was known before. A
// cache is that when its watch has begun anew on an etcd that was restored.
func (m *memory) older(ledger *v1alpha1.QuotaLedger) bool {
	if ledger.UID != m.newest.uid {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(ledger.ResourceVersion, m.newest.version)
	return err == nil && order < 0
}

// departures are objects that watches saw end, for as long as a ledger that is
// read may still speak of them.
type departures struct {
	mu    sync.Mutex
	gone  map[types.UID]time.Time
	spent map[token]time.Time
	swept time.Time
	// keep is how long they are remembered. After that, a live look finds out.
	keep time.Duration
}

func newDepartures(keep time.Duration) *departures {
	return &departures{gone: map[types.UID]time.Time{}, spent: map[token]time.Time{}, keep: keep}
}

// note remembers that an object has gone or ended.
func (d *departures) note(e *v1alpha1.LedgerEntry, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone[e.UID] = now
	if e.Reservation != "" {
		d.spent[tokenOf(e)] = now
	}
	if now.Sub(d.swept) < d.keep {
		return
	}
	d.swept = now
	old := func(at time.Time) bool { return now.Sub(at) >= d.keep }
	maps.DeleteFunc(d.gone, func(_ types.UID, at time.Time) bool { return old(at) })
	maps.DeleteFunc(d.spent, func(_ token, at time.Time) bool { return old(at) })
}

// forget takes back what was noted of an object that is there after all: a watch
// that leaves out pods that have ended tells of one that runs again as of a new one.
func (d *departures) forget(uid types.UID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.gone, uid)
}

// of returns what is known of the entries of a ledger and of what a cache has.
func (d *departures) of(status *v1alpha1.QuotaLedgerStatus, live []v1alpha1.LedgerEntry) (gone map[types.UID]bool, spent map[token]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone, spent = map[types.UID]bool{}, map[token]bool{}
	for _, entries := range [][]v1alpha1.LedgerEntry{status.Holders, live} {
		for i := range entries {
			if _, ok := d.gone[entries[i].UID]; ok {
				gone[entries[i].UID] = true
			}
		}
	}
	for i := range status.Reservations {
		t := tokenOf(&status.Reservations[i])
		if _, ok := d.spent[t]; ok {
			spent[t] = true
		}
	}
	return gone, spent
}
