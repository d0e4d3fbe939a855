package quota

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"

	"usher.dev/usher/api/v1alpha1"
)

func TestLimitsAreRoundedDown(t *testing.T) {
	got := map[string]int64{}
	want := map[string]int64{
		"0": 0, "-1": 0, "64": 64_000_000, "0.5": 500_000, "428572u": 428_572, "1428571428n": 1_428_571, "999999999n": 999_999, "1n": 0,
		"1Ki": 1_024_000_000, "9223372036854": 9_223_372_036_854_000_000, "9223372036855": math.MaxInt64, "1E30": math.MaxInt64,
	}
	for text := range want {
		q := resource.MustParse(text)
		got[text] = *floor(&q)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHard(t *testing.T) {
	all, some := resource.MustParse("8"), resource.MustParse("2500m")
	eight, most, none := int64(8_000_000), int64(2_500_000), int64(0)
	for _, test := range []struct {
		name   string
		limits *v1alpha1.GPULimits
		want   v1alpha1.QuotaHard
	}{
		{"a tenant without GPUs may hold none", nil, v1alpha1.QuotaHard{MicroUnits: &none}},
		{"one without a limit has none", &v1alpha1.GPULimits{}, v1alpha1.QuotaHard{}},
		{
			"limits are micro-units, caps are devices",
			&v1alpha1.GPULimits{PerTenant: &all, PerNamespace: &some, Caps: map[string]int64{"nvidia.com/gpu": 3}},
			v1alpha1.QuotaHard{MicroUnits: &eight, NamespaceMicroUnits: &most, Resources: map[string]int64{"nvidia.com/gpu": 3}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, hardOf(test.limits)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestExcess(t *testing.T) {
	six, two := int64(6_000_000), int64(2_000_000)
	a, b := holder("a", 3_000_000), reservation("b", 3_000_000)
	a.Resources, b.Resources, b.Namespace = map[string]int64{"x/y": 3}, map[string]int64{"x/y": 2}, "b"
	status := statusOf([]v1alpha1.LedgerEntry{a}, []v1alpha1.LedgerEntry{b})
	for _, test := range []struct {
		hard v1alpha1.QuotaHard
		want string
	}{
		{v1alpha1.QuotaHard{}, ""},
		{v1alpha1.QuotaHard{MicroUnits: &six, Resources: map[string]int64{"x/y": 5, "x/z": 0}}, ""},
		{v1alpha1.QuotaHard{MicroUnits: &two}, "it holds 6 GPUs and may hold 2"},
		{v1alpha1.QuotaHard{NamespaceMicroUnits: &two}, `its namespace "a" holds 3 GPUs and may hold 2`},
		{v1alpha1.QuotaHard{MicroUnits: &six, Resources: map[string]int64{"x/y": 4}}, "it holds 5 x/y and may hold 4"},
	} {
		if got := excess(&test.hard, status); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.hard, got, test.want)
		}
	}
}
