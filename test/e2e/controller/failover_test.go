package controller_test

import (
	"testing"

	"usher.dev/usher/test/e2e/controller"
)

func TestTheOtherReplicaTakesOver(t *testing.T) {
	c := start(t)
	first, second := c.leader(t)
	if leads, err := second.Leads(t.Context()); err != nil || leads {
		t.Fatalf("the standby leads: %t, %v", leads, err)
	}

	first.Kill()
	second, first = c.leader(t) // once the lease of the dead one has run out
	must(t, first.Start(t.Context()))
	if leads, err := first.Leads(t.Context()); err != nil || leads {
		t.Fatalf("the one that was started again leads beside the other: %t, %v", leads, err)
	}

	// One that ends in order gives the lease back.
	must(t, first.Stop(t.Context()))
	must(t, second.Stop(t.Context()))
	holder, _, err := c.Kubectl(t.Context(), "", "get", "lease", "-n", controller.Namespace, controller.Name, "-o", "jsonpath={.spec.holderIdentity}")
	if err != nil || holder != "" {
		t.Errorf("the lease is held by %q: %v", holder, err)
	}
	must(t, first.Start(t.Context()))
	if leader, _ := c.leader(t); leader != first {
		t.Error("the wrong one leads")
	}
}
