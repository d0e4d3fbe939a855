package policies_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/tenancy"
)

// claim is a new Tenant and those that are there already.
type claim struct {
	tenant *v1alpha1.Tenant
	others []*v1alpha1.Tenant
}

// randomClaim makes tenants that have few words for what they claim, so that they
// often want the same.
func randomClaim(random *rand.Rand) claim {
	tenant := func(name string, age time.Duration) *v1alpha1.Tenant {
		t := &v1alpha1.Tenant{}
		t.Name, t.CreationTimestamp = name, metav1.NewTime(time.Unix(1e9, 0).Add(-age))
		for range random.IntN(3) {
			namespace := fmt.Sprintf("n%d", random.IntN(5))
			if !slices.Contains(t.Spec.Namespaces, namespace) {
				t.Spec.Namespaces = append(t.Spec.Namespaces, namespace)
			}
		}
		if random.IntN(4) == 0 {
			return t
		}
		t.Spec.NodePool = &v1alpha1.NodePool{}
		word := func(words ...string) string { return words[random.IntN(len(words))] }
		if random.IntN(2) == 0 {
			t.Spec.NodePool.Taint = &v1alpha1.PoolTaint{Key: word("tenant", "pool"), Value: word("", "t0", "t1", "x")}
		}
		for range random.IntN(3) {
			if t.Spec.NodePool.NodeSelector == nil {
				t.Spec.NodePool.NodeSelector = map[string]string{}
			}
			t.Spec.NodePool.NodeSelector[word("tenant", "gpu", "zone")] = word("t0", "t1", "x")
		}
		return t
	}
	c := claim{tenant: tenant("t0", 0)}
	for i := range random.IntN(4) {
		c.others = append(c.others, tenant(fmt.Sprintf("t%d", i+1), time.Hour))
	}
	return c
}

func (c claim) input(tb testing.TB) verdict.Input {
	tb.Helper()
	plain := func(t *v1alpha1.Tenant) map[string]any {
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(t)
		if err != nil {
			tb.Fatal(err)
		}
		return object
	}
	in := verdict.Input{
		Request: map[string]any{
			"kind":      map[string]any{"group": "usher.dev", "version": "v1alpha1", "kind": "Tenant"},
			"operation": "CREATE", "userInfo": map[string]any{"username": "root"}, "object": plain(c.tenant),
		},
		Tenants: []any{},
	}
	for _, other := range c.others {
		claimed := map[string]any{"name": other.Name}
		maps.Copy(claimed, plain(other)["spec"].(map[string]any))
		in.Tenants = append(in.Tenants, claimed)
	}
	return in
}

var namedTenant = regexp.MustCompile(`Tenant "([^"]+)"`)

// TestClaimsAreRefusedAsTheControllerRefusesThem holds tenant_claims against
// usher-controller, which decides once more when a Tenant got past it: what one
// accepts, the other does too.
func TestClaimsAreRefusedAsTheControllerRefusesThem(t *testing.T) {
	set := shipped(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	refused := 0
	for range inShort(3000) {
		c := randomClaim(random)
		want := map[string]bool{}
		for _, conflict := range tenancy.Conflicts(c.tenant, c.others, "tenant") {
			want[conflict.Reason+" "+conflict.Namespace+" "+conflict.Tenant] = true
		}
		got := map[string]bool{}
		for _, result := range set.Validate(t.Context(), c.input(t)) {
			if result.Err != nil {
				t.Fatalf("%s: %v", result.Policy, result.Err)
			}
			for _, f := range result.Deny {
				other := namedTenant.FindStringSubmatch(f.Message)
				if f.Policy != "tenant_claims" || other == nil {
					t.Fatalf("denied for %+v", f)
				}
				switch f.Check {
				case "namespace":
					var i int
					if _, err := fmt.Sscanf(f.Path, "/spec/namespaces/%d", &i); err != nil {
						t.Fatal(err)
					}
					got[tenancy.ReasonNamespaceConflict+" "+c.tenant.Spec.Namespaces[i]+" "+other[1]] = true
				case "node-pool":
					got[tenancy.ReasonPoolConflict+"  "+other[1]] = true
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("conflicts (-controller +policy):\n%s\nseed %d\n%s", diff, seed, mustMarshal(t, c.input(t)))
		}
		refused += len(got)
	}
	if refused < inShort(500) {
		t.Errorf("only %d conflicts: the claims do not meet", refused)
	}
}
