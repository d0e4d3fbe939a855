package quota_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/quota"
)

func TestUnitsAsPeopleWriteThem(t *testing.T) {
	got := map[quota.Units]string{}
	want := map[quota.Units]string{0: "0", 1: "0.000001", 428_572: "0.428572", 500_000: "0.5", quota.One: "1", 64 * quota.One: "64", -1_500_000: "-1.5"}
	for u := range want {
		got[u] = u.String()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
}
