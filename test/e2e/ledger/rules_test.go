package ledger

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

// TestAWriteOverAnotherVersionIsRefused is what makes a restored etcd harmless:
// the resource version may fit, the version does not.
func TestAWriteOverAnotherVersionIsRefused(t *testing.T) {
	ledger := countedLedger(t, 1)
	first := ledger.Status.Version
	write := func(change func(*v1alpha1.QuotaLedgerStatus)) error {
		now, err := ledgerNow(t.Context(), ledger.Name)
		if err != nil {
			t.Fatal(err)
		}
		change(&now.Status)
		return admin.Status().Update(t.Context(), now)
	}
	refused := func(what string, err error) {
		t.Helper()
		if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "the ledger has changed since it was read") {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("over another version", write(func(s *v1alpha1.QuotaLedgerStatus) { s.Version, s.Over = quota.NewID(), "another" }))
	refused("over no version", write(func(s *v1alpha1.QuotaLedgerStatus) { s.Version, s.Over = quota.NewID(), "" }))
	refused("without a version", write(func(s *v1alpha1.QuotaLedgerStatus) { s.Version, s.Over = "", "" }))
	if err := write(func(s *v1alpha1.QuotaLedgerStatus) { s.Version, s.Over = quota.NewID(), first }); err != nil {
		t.Errorf("over the version that is there: %v", err)
	}
}

// TestTheAPIServerTakesTheFullestLedger writes one with as many holders and as
// many bytes as package quota lets it have (capacity.go): 6000, 1.25 MiB.
func TestTheAPIServerTakesTheFullestLedger(t *testing.T) {
	const holders, bytes = 6000, 5 << 18
	ledger := countedLedger(t, 0)
	next := ledger.DeepCopy()
	next.Status.Version, next.Status.Over = quota.NewID(), ledger.Status.Version
	for i := range holders {
		next.Status.Holders = append(next.Status.Holders, v1alpha1.LedgerEntry{Kind: v1alpha1.KindPod, Namespace: "n", Name: fmt.Sprintf("p%05d", i)})
	}
	bare, err := json.Marshal(next.Status.Holders)
	if err != nil {
		t.Fatal(err)
	}
	for i := range next.Status.Holders {
		next.Status.Holders[i].Name += strings.Repeat("x", (bytes-len(bare))/holders)
	}
	if err := admin.Status().Update(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	got, err := ledgerNow(t.Context(), ledger.Name)
	if err != nil || len(got.Status.Holders) != holders {
		t.Errorf("%d holders are there, %v", len(got.Status.Holders), err)
	}
}

// TestAnEntryMayNameManyResources since a pod may: one entry that the API server
// refused would keep out all that are written with it.
func TestAnEntryMayNameManyResources(t *testing.T) {
	ledger := countedLedger(t, 0)
	next := ledger.DeepCopy()
	next.Status.Version, next.Status.Over = quota.NewID(), ledger.Status.Version
	many := v1alpha1.LedgerEntry{Kind: v1alpha1.KindPod, Namespace: "n", Name: "p", Resources: map[string]int64{}}
	for i := range 300 {
		many.Resources[fmt.Sprintf("nvidia.com/mig-1g.%dgb", i+1)] = 1
	}
	next.Status.Holders = []v1alpha1.LedgerEntry{many}
	if err := admin.Status().Update(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	got, err := ledgerNow(t.Context(), ledger.Name)
	if err != nil || len(got.Status.Holders) != 1 || len(got.Status.Holders[0].Resources) != len(many.Resources) {
		t.Errorf("the ledger holds %+v, %v", got.Status.Holders, err)
	}
}
