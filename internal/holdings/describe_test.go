package holdings

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

var counted = metav1.NewTime(time.Date(2026, 11, 25, 10, 30, 0, 0, time.UTC))

// tenantWith is a ready tenant with GPUs and a ledger of holders.
func tenantWith(hard v1alpha1.QuotaHard, holders ...v1alpha1.LedgerEntry) (*v1alpha1.Tenant, *v1alpha1.QuotaLedger) {
	t := &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: "t"}, Spec: v1alpha1.TenantSpec{GPU: &v1alpha1.GPULimits{}}}
	t.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}}
	l := &v1alpha1.QuotaLedger{ObjectMeta: metav1.ObjectMeta{Name: "t"}, Spec: v1alpha1.QuotaLedgerSpec{Hard: hard}}
	l.Status = v1alpha1.QuotaLedgerStatus{Counted: &counted, Holders: holders}
	return t, l
}

func holder(namespace, name string, units int64, resources map[string]int64) v1alpha1.LedgerEntry {
	return v1alpha1.LedgerEntry{Kind: v1alpha1.KindPod, Namespace: namespace, Name: name, MicroUnits: units, Resources: resources}
}

func TestAmountsAreAddedUpByNamespaceAndResource(t *testing.T) {
	tenant, ledger := tenantWith(v1alpha1.QuotaHard{MicroUnits: new(int64(4_000_000)), Resources: map[string]int64{"mig": 3}},
		holder("b", "x", 428_572, map[string]int64{"mig": 1}), holder("a", "y", 2_000_000, map[string]int64{"gpu": 2}))
	ledger.Status.Reservations = []v1alpha1.LedgerEntry{holder("b", "z-", 500_000, map[string]int64{"shared": 2})}
	tenant.Status.Namespaces = []v1alpha1.TenantNamespace{{Name: "c"}, {Name: "b"}}
	want := &GPU{
		Counted: &counted,
		Total:   Share{Limit: "4", Used: "2.428572", Reserved: "0.5", Free: "1.071428"},
		Namespaces: []Share{
			{Name: "a", Used: "2", Reserved: "0"}, {Name: "b", Used: "0.428572", Reserved: "0.5"}, {Name: "c", Used: "0", Reserved: "0"},
		},
		Resources: []Share{
			{Name: "gpu", Used: "2", Reserved: "0"}, {Name: "mig", Limit: "3", Used: "1", Reserved: "0", Free: "2"}, {Name: "shared", Used: "0", Reserved: "2"},
		},
		Reservations: []Entry{{Kind: "Pod", Namespace: "b", Name: "z-", Units: "0.5"}},
		Largest:      []Entry{{Kind: "Pod", Namespace: "a", Name: "y", Units: "2"}, {Kind: "Pod", Namespace: "b", Name: "x", Units: "0.428572"}},
		Holders:      2,
	}
	d := Describe(tenant, ledger)
	if diff := cmp.Diff(want, d.GPU); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !d.Well() {
		t.Error("a tenant within its limits is not well")
	}
}

func TestATenantIsWellWhileReadyCountedAndWithinItsLimits(t *testing.T) {
	one := holder("a", "x", 2_000_000, map[string]int64{"gpu": 2})
	for _, tt := range []struct {
		name   string
		hard   v1alpha1.QuotaHard
		change func(*v1alpha1.Tenant, *v1alpha1.QuotaLedger)
		want   bool
	}{
		{"without limits", v1alpha1.QuotaHard{}, nil, true},
		{"at its limits", v1alpha1.QuotaHard{MicroUnits: new(int64(2_000_000)), NamespaceMicroUnits: new(int64(2_000_000)), Resources: map[string]int64{"gpu": 2}}, nil, true},
		{"over its limit", v1alpha1.QuotaHard{MicroUnits: new(int64(1_999_999))}, nil, false},
		{"over a namespace's limit", v1alpha1.QuotaHard{NamespaceMicroUnits: new(int64(1_999_999))}, nil, false},
		{"over a cap", v1alpha1.QuotaHard{Resources: map[string]int64{"gpu": 1}}, nil, false},
		{"over its limit with what is reserved", v1alpha1.QuotaHard{MicroUnits: new(int64(2_000_000))}, func(_ *v1alpha1.Tenant, l *v1alpha1.QuotaLedger) {
			l.Status.Reservations = []v1alpha1.LedgerEntry{holder("a", "y-", 1, nil)}
		}, false},
		{"not counted", v1alpha1.QuotaHard{}, func(_ *v1alpha1.Tenant, l *v1alpha1.QuotaLedger) { l.Status.Counted = nil }, false},
		{"without GPUs", v1alpha1.QuotaHard{}, func(t *v1alpha1.Tenant, _ *v1alpha1.QuotaLedger) { t.Spec.GPU = nil }, true},
		{"not ready", v1alpha1.QuotaHard{}, func(t *v1alpha1.Tenant, _ *v1alpha1.QuotaLedger) {
			t.Status.Conditions[0].Status = metav1.ConditionFalse
		}, false},
		{"not seen yet", v1alpha1.QuotaHard{}, func(t *v1alpha1.Tenant, _ *v1alpha1.QuotaLedger) { t.Status.Conditions = nil }, false},
		{"over its quota", v1alpha1.QuotaHard{}, func(t *v1alpha1.Tenant, _ *v1alpha1.QuotaLedger) {
			t.Spec.Quota = corev1.ResourceList{"pods": resource.MustParse("1")}
			t.Status.Quota = corev1.ResourceList{"pods": resource.MustParse("2")}
		}, false},
	} {
		tenant, ledger := tenantWith(tt.hard, one)
		if tt.change != nil {
			tt.change(tenant, ledger)
		}
		if got := Describe(tenant, ledger).Well(); got != tt.want {
			t.Errorf("%s: well %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestOnlyTheLargestHoldersAreNamed(t *testing.T) {
	tenant, ledger := tenantWith(v1alpha1.QuotaHard{})
	for i := range int64(maxLargest + 2) {
		ledger.Status.Holders = append(ledger.Status.Holders, holder("a", string(rune('a'+i)), i/2, nil))
	}
	d := Describe(tenant, ledger)
	var names []string
	for _, e := range d.GPU.Largest {
		names = append(names, e.Name)
	}
	if got := strings.Join(names, ""); got != "klijghefcd" {
		t.Errorf("the largest are %q", got)
	}
	var b strings.Builder
	if err := d.WriteText(&b, false); err != nil || !strings.Contains(b.String(), "\nand 2 more\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestColoursSayWhatIsWrong(t *testing.T) {
	tenant, ledger := tenantWith(v1alpha1.QuotaHard{MicroUnits: new(int64(1))}, holder("a", "x\x1b[2J", 2, nil))
	var b strings.Builder
	if err := Describe(tenant, ledger).WriteText(&b, true); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if !strings.Contains(text, "\x1b[31m-0.000001\x1b[0m") || !strings.Contains(text, "\x1b[32mTrue\x1b[0m") || strings.Contains(text, "\x1b[2J") {
		t.Errorf("%q", text)
	}
}
