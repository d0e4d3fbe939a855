package storm

import (
	"regexp"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// told is what a user must be told whose pod of one GPU has no room: what was
// asked for, the limit, how much is left, how much is taken, and by whom.
var told = regexp.MustCompile(`1 GPU asked for, and of the tenant's 64 none is left: ` +
	`[0-9]+ held(, [0-9]+ reserved for what was just admitted)?, most by burst-[ab]/storm-[0-9a-z]+ \(1\).*; wait until others end`)

// TestABurstAdmitsAsManyAsThereIsRoomFor: a thousand pods of one GPU by fifty
// clients at once, of which 64 have room.
func TestABurstAdmitsAsManyAsThereIsRoomFor(t *testing.T) {
	const pods, clients, limit = 1000, 50, 64
	n := shared.tenant(t, "burst", `perTenant: "64"`, "burst-a", "burst-b")
	queue := make(chan *corev1.Pod, pods)
	for i := range pods {
		queue <- podOf(n.namespaces[i%len(n.namespaces)], "", devices{wholeGPU: 1})
	}
	close(queue)
	j := newJournal()
	var group sync.WaitGroup
	began := time.Now()
	for _, client := range shared.clients(t, clients) {
		group.Go(func() {
			for pod := range queue {
				j.create(t.Context(), n, client, pod)
			}
		})
	}
	group.Wait()
	t.Logf("%s, in %s", j, time.Since(began).Round(time.Millisecond))

	n.settled(t, patience)
	shared.allAsked(t)
	j.just(t, n)
	figures := n.intact(t)
	if j.admitted != limit || len(j.refusals) != pods-limit {
		t.Errorf("%s; want %d admitted and %d refused", j, limit, pods-limit)
	}
	if figures.Objects != limit || figures.Peak != limit*1e6 || figures.LivePeak != limit*1e6 {
		t.Errorf("figures %+v", figures)
	}
	for _, r := range j.refusals {
		if !told.MatchString(r.text) {
			t.Errorf("refused with %q, want it to match %s", r.text, told)
			break
		}
	}
	for _, r := range j.refusals[:min(1, len(j.refusals))] {
		t.Logf("one was told: %s", r.text)
	}
	n.clear(t)
}
