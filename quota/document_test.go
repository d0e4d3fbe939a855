package quota_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

func TestDocument(t *testing.T) {
	limit, perNamespace := int64(64_000_000), int64(8_000_000)
	soon := metav1.Unix(1_800_000_000, 0)
	entry := func(kind, namespace, name string, units int64) v1alpha1.LedgerEntry {
		return v1alpha1.LedgerEntry{Kind: kind, Namespace: namespace, Name: name, MicroUnits: units, Resources: map[string]int64{"nvidia.com/gpu": units / 1_000_000}}
	}
	leaving := entry("Pod", "b", "leaving", 4_000_000)
	leaving.FreeBy = &soon
	mine := entry("Pod", "a", "mine-", 2_000_000)
	mine.Reservation = "r1"
	ledger := &v1alpha1.QuotaLedger{
		ObjectMeta: metav1.ObjectMeta{Name: "t"},
		Spec:       v1alpha1.QuotaLedgerSpec{Hard: v1alpha1.QuotaHard{MicroUnits: &limit, NamespaceMicroUnits: &perNamespace, Resources: map[string]int64{"nvidia.com/gpu": 64}}},
		Status: v1alpha1.QuotaLedgerStatus{
			Holders: []v1alpha1.LedgerEntry{
				entry("Pod", "a", "one", 1_000_000), leaving, entry("Pod", "b", "two", 1_000_000), entry("ResourceClaim", "b", "claim", 8_000_000), entry("Pod", "c", "last", 500_000),
			},
			Reservations: []v1alpha1.LedgerEntry{mine, entry("Pod", "c", "coming", 3_000_000)},
		},
	}
	holder := func(kind, namespace, name string, units int64, reserved bool) any {
		return map[string]any{"kind": kind, "namespace": namespace, "name": name, "units": units, "reserved": reserved}
	}
	used := map[string]any{"units": int64(14_500_000), "namespace_units": int64(1_000_000), "resources": map[string]any{"nvidia.com/gpu": int64(14)}}
	hard := map[string]any{"units": limit, "namespace_units": perNamespace, "resources": map[string]any{"nvidia.com/gpu": int64(64)}}
	freeing := map[string]any{"units": int64(4_000_000), "count": int64(1)}

	stranger, again := entry("Pod", "a", "new", 2_000_000), mine
	for _, test := range []struct {
		name string
		ask  quota.Ask
		want map[string]any
	}{
		{
			name: "a pod sees everything",
			ask:  quota.Ask{Entry: stranger},
			want: map[string]any{
				"tenant": "t", "hard": hard, "used": used, "freeing": freeing,
				"reserved": map[string]any{"units": int64(5_000_000), "namespace_units": int64(2_000_000), "resources": map[string]any{"nvidia.com/gpu": int64(5)}},
				"request":  map[string]any{"units": int64(2_000_000), "resources": map[string]any{"nvidia.com/gpu": int64(2)}},
				"holders": []any{
					holder("ResourceClaim", "b", "claim", 8_000_000, false), holder("Pod", "b", "leaving", 4_000_000, false), holder("Pod", "c", "coming", 3_000_000, true),
					holder("Pod", "a", "mine-", 2_000_000, true), holder("Pod", "a", "one", 1_000_000, false),
				},
			},
		},
		{
			name: "one that asks again does not see itself",
			ask:  quota.Ask{Entry: again},
			want: map[string]any{
				"tenant": "t", "hard": hard, "used": used, "freeing": freeing,
				"reserved": map[string]any{"units": int64(3_000_000), "namespace_units": int64(0), "resources": map[string]any{"nvidia.com/gpu": int64(3)}},
				"request":  map[string]any{"units": int64(2_000_000), "resources": map[string]any{"nvidia.com/gpu": int64(2)}},
				"holders": []any{
					holder("ResourceClaim", "b", "claim", 8_000_000, false), holder("Pod", "b", "leaving", 4_000_000, false), holder("Pod", "c", "coming", 3_000_000, true),
					holder("Pod", "a", "one", 1_000_000, false), holder("Pod", "b", "two", 1_000_000, false),
				},
			},
		},
		{
			name: "a workload asks for all of its pods",
			ask:  quota.Ask{Entry: stranger, Replicas: 10},
			want: map[string]any{
				"tenant": "t", "hard": hard, "used": used, "freeing": freeing,
				"reserved": map[string]any{"units": int64(5_000_000), "namespace_units": int64(2_000_000), "resources": map[string]any{"nvidia.com/gpu": int64(5)}},
				"request":  map[string]any{"units": int64(20_000_000), "resources": map[string]any{"nvidia.com/gpu": int64(20)}, "replicas": int64(10)},
				"holders": []any{
					holder("ResourceClaim", "b", "claim", 8_000_000, false), holder("Pod", "b", "leaving", 4_000_000, false), holder("Pod", "c", "coming", 3_000_000, true),
					holder("Pod", "a", "mine-", 2_000_000, true), holder("Pod", "a", "one", 1_000_000, false),
				},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := ledger.DeepCopy()
			if diff := cmp.Diff(test.want, quota.Document(ledger, test.ask)); diff != "" {
				t.Errorf("input.quota (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, ledger); diff != "" {
				t.Errorf("the ledger was changed:\n%s", diff)
			}
		})
	}
}

func TestDocumentOfATenantWithoutLimits(t *testing.T) {
	got := quota.Document(&v1alpha1.QuotaLedger{}, quota.Ask{})
	if diff := cmp.Diff(map[string]any{"resources": map[string]any{}}, got["hard"]); diff != "" {
		t.Errorf("hard (-want +got):\n%s", diff)
	}
}

func TestWhatIsTooLargeStaysLarge(t *testing.T) {
	most := int64(1) << 62
	ask := quota.Ask{Entry: v1alpha1.LedgerEntry{MicroUnits: most, Resources: map[string]int64{"x/y": most}}, Replicas: 1 << 40}
	ledger := &v1alpha1.QuotaLedger{Status: v1alpha1.QuotaLedgerStatus{Holders: []v1alpha1.LedgerEntry{ask.Entry, ask.Entry, ask.Entry}}}
	got := quota.Document(ledger, ask)
	const end = int64(1<<63 - 1)
	want := map[string]any{"units": end, "resources": map[string]any{"x/y": end}, "replicas": int64(1 << 40)}
	if diff := cmp.Diff(want, got["request"]); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	used, _ := got["used"].(map[string]any)
	if used["units"] != end {
		t.Errorf("used is %v", used["units"])
	}
}
