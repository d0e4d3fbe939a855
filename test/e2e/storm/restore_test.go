package storm

import (
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestEtcdIsRestoredFromASnapshot: a snapshot is taken under load and put in etcd's
// place later, again under load. Pods and reservations of the time in between have
// never been, revisions are given a second time, and usher's processes, whose memory
// says otherwise, run on.
func TestEtcdIsRestoredFromASnapshot(t *testing.T) {
	const limit = 32
	n := shared.tenant(t, "restored", `perTenant: "32"`, "restored-a", "restored-b")
	snapshot := filepath.Join(t.TempDir(), "snapshot.db")
	storm := func(lasts time.Duration) *weather {
		w := &weather{tenant: n, journal: newJournal(), clients: 16, draw: whole}
		w.rage(t, lasts)
		return w
	}

	var group sync.WaitGroup
	group.Go(func() {
		time.Sleep(lasts / 2)
		if err := shared.Snapshot(t.Context(), snapshot); err != nil {
			t.Error(err)
		}
	})
	before := storm(lasts)
	group.Wait()
	before.journal.just(t, n)
	old, err := n.follower.now(t.Context())
	must(t, err)
	n.intact(t)
	starts := shared.starts()

	group.Go(func() {
		time.Sleep(lasts / 4)
		shared.Kill()
	})
	storm(lasts / 3)
	group.Wait()
	must(t, shared.Restore(snapshot))
	must(t, shared.Start(t.Context()))
	shared.refollow(t, n)
	restored, err := n.follower.now(t.Context())
	must(t, err)
	t.Logf("etcd was at revision %d and began again at %d", old, restored)
	if restored >= old {
		t.Error("nothing was lost, so nothing is shown")
	}

	after := storm(lasts)
	n.settled(t, reservationTTL+patience)
	after.journal.just(t, n)
	n.intact(t)
	n.clear(t)
	if got := n.fill(t, devices{wholeGPU: 1}); got != limit {
		t.Errorf("afterwards %d pods had room, want %d", got, limit)
	}
	n.settled(t, patience)
	n.intact(t)
	n.clear(t)
	t.Logf("%d of usher's processes were started again", shared.starts()-starts)
}

// refollow follows the etcd that has taken the place of the one before.
func (c *cluster) refollow(t *testing.T, n *tenant) {
	t.Helper()
	c.follower.release()
	var err error
	c.follower, err = follow(t.Context(), c.Etcd())
	must(t, err)
	c.follower.track(n.name, n.namespaces...)
}
