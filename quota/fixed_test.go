package quota_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

// files are ledgers and limits by tenant.
type files struct {
	ledgers map[string]*v1alpha1.QuotaLedger
	limits  map[string]*v1alpha1.GPULimits
}

func (f files) Ledger(tenant string) *v1alpha1.QuotaLedger { return f.ledgers[tenant] }
func (f files) Limits(tenant string) *v1alpha1.GPULimits   { return f.limits[tenant] }

func TestFixedLedgersAreDecidedOnAndNeverWritten(t *testing.T) {
	four, nine := resource.MustParse("4"), int64(9_000_000)
	held := &v1alpha1.QuotaLedger{
		Spec:   v1alpha1.QuotaLedgerSpec{Hard: v1alpha1.QuotaHard{MicroUnits: &nine}},
		Status: v1alpha1.QuotaLedgerStatus{Holders: []v1alpha1.LedgerEntry{{Kind: "Pod", Namespace: "team", Name: "old", MicroUnits: 3_000_000}}},
	}
	fixed := quota.NewFixed(files{
		ledgers: map[string]*v1alpha1.QuotaLedger{"both": held, "ledger alone": held},
		limits:  map[string]*v1alpha1.GPULimits{"both": {PerTenant: &four}, "limits alone": {PerTenant: &four}, "no limit": {}},
	})
	ask := quota.Ask{Entry: v1alpha1.LedgerEntry{Reservation: "r", Kind: "Pod", Namespace: "team", Name: "new", MicroUnits: 1_000_000}}
	type state struct{ Limit, Used, Reserved, Asked any }
	stateOf := func(document map[string]any) *state {
		if document == nil {
			return nil
		}
		of := func(key string) any { return document[key].(map[string]any)["units"] }
		return &state{of("hard"), of("used"), of("reserved"), of("request")}
	}
	asked := int64(1_000_000)
	for tenant, want := range map[string]*state{
		"both":         {int64(4_000_000), int64(3_000_000), int64(0), asked},
		"ledger alone": {int64(9_000_000), int64(3_000_000), int64(0), asked},
		"limits alone": {int64(4_000_000), int64(0), int64(0), asked},
		"no limit":     {nil, int64(0), int64(0), asked},
		"nobody":       nil,
	} {
		document, err := fixed.Document(t.Context(), tenant, ask)
		if diff := cmp.Diff(want, stateOf(document)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tenant, err, diff)
		}
		// The second time nobody holds more than the first.
		for range 2 {
			var decided *state
			err := fixed.Reserve(t.Context(), tenant, ask, func(_ context.Context, quota map[string]any) bool {
				decided = stateOf(quota)
				return true
			})
			if diff := cmp.Diff(want, decided); diff != "" || err != nil {
				t.Errorf("%s, reserved: %v (-want +got):\n%s", tenant, err, diff)
			}
		}
	}
}
