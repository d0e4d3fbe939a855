package tenancy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"usher.dev/usher/api/v1alpha1"
)

func claimant(name string, second int64, spec v1alpha1.TenantSpec) *v1alpha1.Tenant {
	return &v1alpha1.Tenant{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(time.Unix(second, 0))},
		Spec:       spec,
	}
}

func TestTheOlderTenantKeepsWhatBothClaim(t *testing.T) {
	listing := func(namespaces ...string) v1alpha1.TenantSpec { return v1alpha1.TenantSpec{Namespaces: namespaces} }
	pool := func(p v1alpha1.NodePool) v1alpha1.TenantSpec { return v1alpha1.TenantSpec{NodePool: &p} }
	gpus := map[string]string{"pool": "gpus"}
	for name, c := range map[string]struct {
		other, tenant v1alpha1.TenantSpec
		want          []Conflict
	}{
		"different namespaces":       {listing("x"), listing("y"), nil},
		"the same namespaces":        {listing("x", "y"), listing("z", "y", "x"), []Conflict{{ReasonNamespaceConflict, "a", "x"}, {ReasonNamespaceConflict, "a", "y"}}},
		"no pools":                   {listing(), listing(), nil},
		"one pool":                   {pool(v1alpha1.NodePool{}), listing(), nil},
		"default pools":              {pool(v1alpha1.NodePool{}), pool(v1alpha1.NodePool{}), nil},
		"the taint of the other":     {pool(v1alpha1.NodePool{}), pool(v1alpha1.NodePool{Taint: &v1alpha1.PoolTaint{Key: "tenant", Value: "a"}}), []Conflict{{ReasonPoolConflict, "a", ""}}},
		"the nodes of the other":     {pool(v1alpha1.NodePool{}), pool(v1alpha1.NodePool{NodeSelector: map[string]string{"tenant": "a"}}), []Conflict{{ReasonPoolConflict, "a", ""}}},
		"a part of the other's":      {pool(v1alpha1.NodePool{NodeSelector: gpus}), pool(v1alpha1.NodePool{NodeSelector: map[string]string{"pool": "gpus", "zone": "z"}}), []Conflict{{ReasonPoolConflict, "a", ""}}},
		"other values of one label":  {pool(v1alpha1.NodePool{NodeSelector: gpus}), pool(v1alpha1.NodePool{NodeSelector: map[string]string{"pool": "cpus"}}), nil},
		"labels that may be on one":  {pool(v1alpha1.NodePool{NodeSelector: gpus}), pool(v1alpha1.NodePool{NodeSelector: map[string]string{"zone": "z"}}), nil},
		"one taint, different nodes": {pool(v1alpha1.NodePool{NodeSelector: gpus, Taint: &v1alpha1.PoolTaint{Key: "k"}}), pool(v1alpha1.NodePool{NodeSelector: map[string]string{"pool": "cpus"}, Taint: &v1alpha1.PoolTaint{Key: "k"}}), []Conflict{{ReasonPoolConflict, "a", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			older, younger := claimant("a", 1, c.other), claimant("b", 2, c.tenant)
			if diff := cmp.Diff(c.want, Conflicts(younger, []*v1alpha1.Tenant{older, younger}, "tenant")); diff != "" {
				t.Errorf("conflicts of the younger (-want +got):\n%s", diff)
			}
			if got := Conflicts(older, []*v1alpha1.Tenant{younger, older}, "tenant"); got != nil {
				t.Errorf("conflicts of the older: %v", got)
			}
		})
	}
}

// tenants draws some that are likely to claim the same.
func tenants(r *rapid.T) []*v1alpha1.Tenant {
	value := rapid.SampledFrom([]string{"a", "b", "t0", "t1"})
	n := rapid.IntRange(1, 7).Draw(r, "tenants")
	var all []*v1alpha1.Tenant
	for i := range n {
		spec := v1alpha1.TenantSpec{Namespaces: rapid.SliceOfNDistinct(value, 0, 2, rapid.ID[string]).Draw(r, "namespaces")}
		if rapid.Bool().Draw(r, "has a pool") {
			spec.NodePool = &v1alpha1.NodePool{
				NodeSelector: rapid.MapOfN(rapid.SampledFrom([]string{"tenant", "zone"}), value, 0, 2).Draw(r, "selector"),
			}
			if rapid.Bool().Draw(r, "has a taint") {
				spec.NodePool.Taint = &v1alpha1.PoolTaint{Key: "tenant", Value: value.Draw(r, "taint")}
			}
		}
		all = append(all, claimant(fmt.Sprintf("t%d", i), rapid.Int64Range(1, 3).Draw(r, "second"), spec))
	}
	return all
}

func TestConflictsOfAnyTenants(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		all := tenants(r)
		shuffled := rapid.Permutation(all).Draw(r, "order")
		oldest := slices.MinFunc(all, func(a, b *v1alpha1.Tenant) int {
			if isOlder(a, b) {
				return -1
			}
			return 1
		})
		accepted := map[string]bool{}
		for _, tenant := range all {
			conflicts := Conflicts(tenant, all, "tenant")
			if diff := cmp.Diff(conflicts, Conflicts(tenant, shuffled, "tenant")); diff != "" {
				r.Fatalf("the order matters:\n%s", diff)
			}
			accepted[tenant.Name] = len(conflicts) == 0
			for _, c := range conflicts {
				i := slices.IndexFunc(all, func(other *v1alpha1.Tenant) bool { return other.Name == c.Tenant })
				if !isOlder(all[i], tenant) || !clash(all[i], tenant, "tenant") {
					r.Fatalf("%s loses to %s, which has no better claim", tenant.Name, c.Tenant)
				}
			}
		}
		if !accepted[oldest.Name] {
			r.Fatalf("%s is the oldest and not accepted", oldest.Name)
		}
		for _, a := range all {
			for _, b := range all {
				if clash(a, b, "tenant") != clash(b, a, "tenant") {
					r.Fatalf("%s clashes with %s, and not the other way round", a.Name, b.Name)
				}
				if accepted[a.Name] && accepted[b.Name] && clash(a, b, "tenant") {
					r.Fatalf("%s and %s claim the same, and both are accepted", a.Name, b.Name)
				}
			}
		}
	})
}
