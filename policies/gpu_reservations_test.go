package policies_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"usher.dev/usher/internal/verdict"
)

// The shipped rule refuses exactly what would take a tenant, one of its namespaces
// or one of its resources over a limit.
func TestReservationsAreRefusedExactlyBeyondTheLimits(t *testing.T) {
	set := shippedAlone(t, "gpu_quota")
	const mig = "nvidia.com/mig-3g.20gb"
	amount := rapid.OneOf(rapid.Int64Range(0, 6), rapid.Int64Range(0, 9_000_000), rapid.Int64Range(0, 1_000_000_000_000_000))
	counts := rapid.Int64Range(0, 5)
	draw := func(r *rapid.T, what string) map[string]any {
		return map[string]any{
			"units": amount.Draw(r, what), "namespace_units": amount.Draw(r, what+" of the namespace"),
			"resources": map[string]any{mig: counts.Draw(r, what+" devices")},
		}
	}
	of := func(document map[string]any, key string) int64 { n, _ := document[key].(int64); return n }
	devices := func(document map[string]any) int64 { return of(document["resources"].(map[string]any), mig) }
	rapid.Check(t, func(r *rapid.T) {
		used, reserved, request := draw(r, "used"), draw(r, "reserved"), draw(r, "request")
		if rapid.Bool().Draw(r, "a workload") {
			request["replicas"] = rapid.Int64Range(1, 1000).Draw(r, "replicas")
		}
		hard, want := map[string]any{}, []string{}
		limited := func(check, key string, taken, asked int64, limit any) {
			if !rapid.Bool().Draw(r, "limited by "+check) {
				return
			}
			n := taken + asked + rapid.SampledFrom([]int64{-1, 0, 1}).Draw(r, "slack")
			if rapid.Bool().Draw(r, "anything") {
				n = amount.Draw(r, "limit")
			}
			n = max(n, 0)
			hard[key] = n
			if limit != nil {
				hard[key] = map[string]any{mig: n}
			}
			if asked > 0 && taken+asked > n {
				want = append(want, check)
			}
		}
		limited("tenant-units", "units", of(used, "units")+of(reserved, "units"), of(request, "units"), nil)
		limited("namespace-units", "namespace_units", of(used, "namespace_units")+of(reserved, "namespace_units"), of(request, "units"), nil)
		limited("resource-cap", "resources", devices(used)+devices(reserved), devices(request), mig)
		delete(request, "namespace_units")
		in := verdict.Input{
			Request: map[string]any{"operation": "CREATE"},
			Quota: map[string]any{
				"tenant": "acme", "hard": hard, "used": used, "reserved": reserved, "request": request,
				"holders": []any{map[string]any{"kind": "Pod", "namespace": "ml", "name": "train", "units": int64(1), "reserved": false}},
				"freeing": map[string]any{"units": amount.Draw(r, "freeing"), "count": int64(1)},
			},
		}
		got := []string{}
		for _, result := range set.Reserve(t.Context(), in) {
			if result.Err != nil {
				r.Fatalf("%v: %s", result.Err, mustMarshal(t, in.Quota))
			}
			for _, f := range result.Deny {
				got = append(got, f.Check)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("checks (-want +got):\n%s\n%s", diff, mustMarshal(t, in.Quota))
		}
	})
}
