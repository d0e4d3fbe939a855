package quota_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/quota"
)

func TestWhatAWorkloadGrowsBy(t *testing.T) {
	one := quota.Amount{Units: quota.One, Resources: map[string]int64{"nvidia.com/gpu": 1}}
	slice := quota.Amount{Units: 428_572, Resources: map[string]int64{"nvidia.com/mig-3g.20gb": 1}}
	for _, tt := range []struct {
		name      string
		got, want quota.Amount
	}{
		{"three times", one.Times(3), quota.Amount{Units: 3 * quota.One, Resources: map[string]int64{"nvidia.com/gpu": 3}}},
		{"no times", one.Times(0), quota.Amount{Resources: map[string]int64{"nvidia.com/gpu": 0}}},
		{"more than can be counted", one.Times(math.MaxInt64), quota.Amount{Units: math.MaxInt64, Resources: map[string]int64{"nvidia.com/gpu": math.MaxInt64}}},
		{"more of the same", one.Times(3).Beyond(one), quota.Amount{Units: 2 * quota.One, Resources: map[string]int64{"nvidia.com/gpu": 2}}},
		{"less of the same", one.Beyond(one.Times(3)), quota.Amount{Resources: map[string]int64{}}},
		{"another resource of less", slice.Beyond(one), quota.Amount{Resources: map[string]int64{"nvidia.com/mig-3g.20gb": 1}}},
		{"out of nothing", one.Beyond(quota.Amount{}), one},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	for _, nothing := range []quota.Amount{{}, one.Times(0), one.Beyond(one)} {
		if !nothing.IsZero() {
			t.Errorf("%+v is something", nothing)
		}
	}
	if slice.Beyond(one).IsZero() {
		t.Error("a slice is nothing")
	}
}
