package storm

import (
	"regexp"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// told is what a user must be told whose pod of one GPU has no room: what was
// asked for, the limit, how much is left, how much is taken, and by whom.
var told = regexp.MustCompile(`1 GPU asked for, and of the tenant's 64 GPU: none is left: ` +
	`[0-9]+ held(, [0-9]+ reserved for what was just admitted)?, most by burst-[ab]/storm-[0-9a-z]+ \(1( GPU)?\).*; wait until others end`)

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
	if len(j.refusals) > 0 {
		t.Log("the last was told: ", j.refusals[len(j.refusals)-1].text)
	}
	n.clear(t)
}

// clear deletes all pods of the tenant and waits until its ledger is empty.
func (n *tenant) clear(t *testing.T) {
	t.Helper()
	for _, namespace := range n.namespaces {
		must(t, n.admin.CoreV1().Pods(namespace).DeleteCollection(t.Context(), atOnce(), metav1.ListOptions{}))
	}
	n.settled(t, patience)
}
