package storm

import "testing"

// TestPodsComeAndGo: clients create and delete pods of one GPU at random around a
// limit of 64.
func TestPodsComeAndGo(t *testing.T) {
	const limit = 64
	n := shared.tenant(t, "churn", `perTenant: "64"`, "churn-a", "churn-b", "churn-c")
	w := &weather{tenant: n, journal: newJournal(), clients: 32, draw: whole}
	w.rage(t, lasts)
	n.settled(t, patience)
	w.journal.just(t, n)
	if len(w.journal.failures) > 0 {
		t.Errorf("nobody was killed, and yet: %s", w.journal)
	}

	n.clear(t)
	if got := n.fill(t, devices{wholeGPU: 1}); got != limit {
		t.Errorf("afterwards %d pods had room, want %d", got, limit)
	}
	n.settled(t, patience)
	n.intact(t)
	n.clear(t)
}
