package storm

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/repository"
)

// TestTwoVersionsSideBySide upgrades usher from the previous version to this one,
// and back, one replica after the other, while clients create and delete pods
// around a limit. At all times replicas of both versions answer, and controllers of
// both take turns: the ledger keeps every promise, nothing fails, and each verdict
// is one that either version alone would give.
func TestTwoVersionsSideBySide(t *testing.T) {
	commit, err := repository.Previous()
	must(t, err)
	folder := t.TempDir()
	tree, err := repository.Checkout(t.Context(), commit, filepath.Join(folder, "previous"))
	if errors.Is(err, repository.ErrNoHistory) {
		t.Skipf("without the previous version there is nothing to stand beside: %v", err)
	}
	must(t, err)
	c, err := startCluster(t.Context(), folder, 2, tree)
	must(t, err)
	t.Cleanup(c.release)
	older, err := c.Prepare(t.Context(), tree)
	must(t, err)
	newer, err := c.Prepare(t.Context(), repository.Working())
	must(t, err)
	n := c.tenant(t, "rollout", `perTenant: "16"`, "rollout-a", "rollout-b")
	s := newSamples(t, c)
	k := newKeepsake(t, c)

	w := &weather{tenant: n, journal: newJournal(), clients: 8, draw: whole, pause: 50 * time.Millisecond}
	ctx, stop := context.WithCancel(t.Context())
	raged := make(chan struct{})
	go func() {
		defer close(raged)
		w.rageUntil(ctx, t)
	}()
	byOlder, before := s.ask(t), k.look(t)
	up := c.roll(t, s, newer)
	byNewer := s.ask(t)
	k.look(t)
	down := c.roll(t, s, older)
	after := k.look(t)
	again := s.ask(t)
	stop()
	<-raged

	s.eachIsOneOf(t, append(up, down...), byOlder, byNewer)
	s.eachIsOneOf(t, []answers{again}, byOlder)
	k.same(t, before, after)
	n.settled(t, patience)
	w.journal.just(t, n)
	// A replica that ends may cut a connection off: the request is refused, and
	// nothing is admitted unjudged. Nothing else may fail.
	delete(w.journal.failures, "failed calling webhook")
	if len(w.journal.failures) > 0 {
		t.Errorf("nobody was killed, and yet: %s", w.journal)
	}
	if len(w.journal.refusals) == 0 || w.journal.admitted == 0 {
		t.Errorf("%s: too few to show anything", w.journal)
	}
	n.intact(t)
	n.clear(t)
	if got := n.fill(t, devices{wholeGPU: 1}); got != 16 {
		t.Errorf("afterwards %d pods had room, want 16", got)
	}
}

// roll applies a version and replaces every replica by one of it, of each kind in
// turn. It returns what the samples were answered on the way.
func (c *cluster) roll(t *testing.T, s *samples, v *installation.Version) (mixed []answers) {
	t.Helper()
	must(t, c.ApplyObjects(t.Context(), v))
	must(t, c.Register(t.Context()))
	// What is there now answers for what the other version has registered.
	mixed = append(mixed, s.ask(t))
	for range len(c.Webhooks) {
		must(t, c.Replace(t.Context(), &c.Controllers, c.AddController, v))
		c.oneLeads(t)
		must(t, c.Replace(t.Context(), &c.Webhooks, c.AddWebhook, v))
		mixed = append(mixed, s.ask(t))
	}
	return mixed
}

// oneLeads fails the test if two controllers lead, be they of two versions.
func (c *cluster) oneLeads(t *testing.T) {
	t.Helper()
	leaders, err := c.Leaders(t.Context())
	must(t, err)
	if leaders > 1 {
		t.Errorf("%d controllers lead", leaders)
	}
}
