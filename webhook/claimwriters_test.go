package webhook

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/policies"
	"usher.dev/usher/quota"
)

// Who makes claims that were charged before is the same to the ledger and to the
// policy: by its METADATA unless it is configured.
func TestTheClaimWritersAreThePolicys(t *testing.T) {
	set, err := engine.Compile(config.Default(), policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	var want claimWriters
	for _, p := range set.Policies() {
		if p.Name != quota.Policy {
			continue
		}
		encoded, err := json.Marshal(p.Parameters["claim_writers"].Default)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(encoded, &want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := newClaimWriters(config.Default())
	if err != nil {
		t.Fatal(err)
	}
	if got.Groups == nil {
		got.Groups = []string{}
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("claim writers (-policy +webhook):\n%s", diff)
	}
}
