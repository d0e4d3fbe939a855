package extender

import "testing"

func TestTenantsPreferTheirOwnPool(t *testing.T) {
	score := func(g guest, owners ...string) float64 {
		return scoreTenant(&placement{guest: g, node: &snapshot{owners: owners}})
	}
	soft := guest{tenant: "a", roams: true, pooled: true}
	near(t, "its own pool", score(soft, "a", "b"), 1)
	near(t, "no pool", score(soft), 0)
	near(t, "no pool of its own", score(guest{tenant: "a", roams: true}), notAsked)
}
