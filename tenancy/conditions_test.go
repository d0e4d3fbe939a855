package tenancy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

func TestWhatIsHeldBeyondTheLimits(t *testing.T) {
	two, one := int64(2_000_000), int64(1_000_000)
	holders := []v1alpha1.LedgerEntry{
		{Namespace: "x", MicroUnits: 1_500_000, Resources: map[string]int64{"nvidia.com/gpu": 1, "nvidia.com/mig-3g.20gb": 1}},
		{Namespace: "y", MicroUnits: 1_000_000, Resources: map[string]int64{"nvidia.com/gpu": 1}},
	}
	for name, c := range map[string]struct {
		ledger *v1alpha1.QuotaLedger
		want   []string
	}{
		"no ledger": {nil, nil},
		"no limits": {&v1alpha1.QuotaLedger{Status: v1alpha1.QuotaLedgerStatus{Used: 9_000_000, Holders: holders}}, nil},
		"within": {&v1alpha1.QuotaLedger{
			Spec:   v1alpha1.QuotaLedgerSpec{Hard: v1alpha1.QuotaHard{MicroUnits: &two, Resources: map[string]int64{"nvidia.com/gpu": 2}}},
			Status: v1alpha1.QuotaLedgerStatus{Used: 2_000_000, Holders: holders},
		}, nil},
		"beyond all of them": {&v1alpha1.QuotaLedger{
			Spec: v1alpha1.QuotaLedgerSpec{Hard: v1alpha1.QuotaHard{
				MicroUnits: &two, NamespaceMicroUnits: &one, Resources: map[string]int64{"nvidia.com/gpu": 1, "nvidia.com/mig-3g.20gb": 1},
			}},
			Status: v1alpha1.QuotaLedgerStatus{Used: 2_500_000, Holders: holders},
		}, []string{"2.5 GPUs of 2", `1.5 GPUs of 1 in namespace "x"`, "2 nvidia.com/gpu of 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, overLedger(c.ledger)); diff != "" {
				t.Errorf("over (-want +got):\n%s", diff)
			}
		})
	}
	total := list(map[corev1.ResourceName]string{"pods": "3", "requests.cpu": "1"})
	used := list(map[corev1.ResourceName]string{"pods": "4", "requests.cpu": "1"})
	if diff := cmp.Diff([]string{"4 pods of 3"}, overQuota(total, used)); diff != "" {
		t.Errorf("over the quota (-want +got):\n%s", diff)
	}
}

func TestAMessageFitsIntoACondition(t *testing.T) {
	status := &v1alpha1.TenantStatus{}
	setCondition(status, &v1alpha1.Tenant{}, v1alpha1.ConditionReady, false, "Long", strings.Repeat("ü", messageBytes))
	got := status.Conditions[0]
	if len(got.Message) > messageBytes+len(" …") || !strings.HasSuffix(got.Message, "ü …") || got.Status != metav1.ConditionFalse {
		t.Errorf("%d bytes, %s", len(got.Message), got.Status)
	}
}
