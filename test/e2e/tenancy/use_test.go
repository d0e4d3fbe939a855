package tenancy

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

func TestATenantShowsWhatItsLedgerSays(t *testing.T) {
	r := shared.run(t)
	// Nobody else may write a ledger.
	account, err := client.New(shared.account, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	shared.tenant(t, `{metadata: {name: holding}, spec: {gpu: {perTenant: "2"}}}`)
	shared.awaitReady(t, "holding")
	two := int64(2_000_000)
	ledger := &v1alpha1.QuotaLedger{
		ObjectMeta: metav1.ObjectMeta{Name: "holding"},
		Spec:       v1alpha1.QuotaLedgerSpec{Hard: v1alpha1.QuotaHard{MicroUnits: &two}},
	}
	if err := account.Create(t.Context(), ledger); err != nil {
		t.Fatal(err)
	}
	counted := metav1.Now()
	before := r.calls.snapshot()["update tenants/status"]
	const versions = 50
	for n := range versions {
		ledger.Status = v1alpha1.QuotaLedgerStatus{
			Version: fmt.Sprint(n), Over: ledger.Status.Version, Counted: &counted, Used: 428_572, Reserved: int64(n),
		}
		if err := account.Status().Update(t.Context(), ledger); err != nil {
			t.Fatal(err)
		}
	}
	awaitTrue(t, "the Tenant says what it holds", func() error {
		tenant := &v1alpha1.Tenant{}
		if err := shared.Get(t.Context(), types.NamespacedName{Name: "holding"}, tenant); err != nil {
			return err
		}
		if use := tenant.Status.GPU; use == nil || *use != (v1alpha1.GPUUse{Used: "0.428572", Reserved: "0.000049"}) {
			return fmt.Errorf("it says %+v", use)
		}
		return nil
	})
	if writes := r.calls.snapshot()["update tenants/status"] - before; writes > versions/5 {
		t.Errorf("%d writes of the status for %d of the ledger", writes, versions)
	}

	ledger.Status.Version, ledger.Status.Over, ledger.Status.Used = "over", ledger.Status.Version, 2_500_000
	if err := account.Status().Update(t.Context(), ledger); err != nil {
		t.Fatal(err)
	}
	condition := shared.awaitCondition(t, "holding", v1alpha1.ConditionWithinLimits, metav1.ConditionFalse, "OverLimit")
	if want := "the tenant holds more than it may, and gets nothing new of it: 2.5 GPUs of 2"; condition.Message != want {
		t.Errorf("it says %q, want %q", condition.Message, want)
	}
}
