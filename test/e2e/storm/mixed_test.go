package storm

import (
	"math/rand/v2"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/storm/ledgercheck"
)

// mixture asks for whole GPUs, MIG devices and shares, several kinds at once.
func mixture(random *rand.Rand) devices {
	switch random.IntN(6) {
	case 0:
		return devices{wholeGPU: 1}
	case 1:
		return devices{wholeGPU: 2}
	case 2:
		return devices{mig3g: 1}
	case 3:
		return devices{mig1g: 1 + random.Int64N(3)}
	case 4:
		return devices{sharedGPU: 1 + random.Int64N(2)}
	default:
		return devices{mig1g: 1, mig3g: 1, sharedGPU: 1}
	}
}

// mixedLimits bound everything that can be bound.
const mixedLimits = `perTenant: "40500m", perNamespace: "24", resources: ["nvidia.com/*"],
    caps: {nvidia.com/mig-3g.40gb: 20, nvidia.com/gpu.shared: 17}`

// TestProcessesDieWhileAllKindsOfGPUsComeAndGo: whole GPUs, MIG devices and shares
// of nodes that divide theirs by four, with limits on all of them, while webhooks
// and controllers are killed.
func TestProcessesDieWhileAllKindsOfGPUsComeAndGo(t *testing.T) {
	n := shared.tenant(t, "mixed", mixedLimits, "mixed-a", "mixed-b", "mixed-c")
	shared.runPods(t)
	w := &weather{tenant: n, journal: newJournal(), clients: 16, draw: mixture, gently: true}
	starts := shared.starts()
	// A controller that lives for less than the TTL lets no reservation lapse; those
	// of requests that died with their webhook would soon be all that there is.
	k := &killer{cluster: shared, each: max(lasts/20, time.Second), leads: max(lasts/5, 2*time.Second), hangs: min(lasts/4, 6*time.Second)}
	k.during(t, func() { w.rage(t, lasts) })
	if k.killed.Load() == 0 || k.deposed.Load() == 0 {
		t.Error("too few were killed to show anything")
	}

	// What was reserved for requests that died lapses.
	n.settled(t, patience+reservationTTL)
	w.journal.just(t, n)
	n.intact(t)
	n.follower.check(n.name, func(c *ledgercheck.Checker) {
		for _, h := range c.Live() {
			if h.Reservation == "" {
				t.Errorf("%s was admitted without a reservation", &h)
			}
		}
	})
	if killed, again := int(k.killed.Load()+k.deposed.Load()), shared.starts()-starts; again < killed {
		t.Errorf("%d processes were killed, %d started again", killed, again)
	}
	n.clear(t)
	// 40.5 GPUs, 24 of them in a namespace.
	if got := n.fill(t, devices{wholeGPU: 1}); got != 24 {
		t.Errorf("afterwards %d whole GPUs had room in a namespace, want 24", got)
	}
	n.clear(t)
	// 20 MIG devices of three sevenths, by their cap.
	if got := n.fill(t, devices{mig3g: 1}); got != 20 {
		t.Errorf("afterwards %d MIG devices had room, want 20", got)
	}
	n.clear(t)
	n.intact(t)
}

// starts counts how often any of usher's processes became ready.
func (c *cluster) starts() int {
	n := 0
	for _, unit := range c.Webhooks {
		n += unit.Starts()
	}
	for _, unit := range c.Controllers {
		n += unit.Starts()
	}
	return n
}
