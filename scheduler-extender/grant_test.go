package extender

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

func TestTenantsUseTheModelsThatTheyMay(t *testing.T) {
	nameless := made("nameless", 2, pairs, nil)
	mixed := made("mixed", 2, pairs, nil)
	mixed.Status.GPUs[0].Model, mixed.Status.GPUs[1].Model = "NVIDIA L40S", "NVIDIA A100-SXM4-80GB"
	for _, tt := range []struct {
		name   string
		models []string
		want   map[string]string
	}{
		{"all without a list", nil, map[string]string{"h100": "", "l40s": "", "nameless": "", "mixed": ""}},
		{"one", []string{"NVIDIA-H100-80GB-HBM3"}, map[string]string{
			"h100":     "",
			"l40s":     `the node has NVIDIA-L40S, which tenant "a" may not use; it may use NVIDIA-H100-80GB-HBM3`,
			"nameless": `the GPU report does not name the models of all GPUs; tenant "a" may use NVIDIA-H100-80GB-HBM3 alone`,
			"mixed":    `the node has NVIDIA-A100-SXM4-80GB, which tenant "a" may not use; it may use NVIDIA-H100-80GB-HBM3`,
		}},
		{"some, shared and in parts", []string{"NVIDIA-L40S-SHARED", "NVIDIA-L40S", "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb"}, map[string]string{
			"h100":  "",
			"l40s":  "",
			"mixed": `the node has NVIDIA-A100-SXM4-80GB, which tenant "a" may not use; it may use NVIDIA-H100-80GB-HBM3, NVIDIA-L40S`,
		}},
		{"part of a name", []string{"NVIDIA-H100"}, map[string]string{
			"h100": `the node has NVIDIA-H100-80GB-HBM3, which tenant "a" may not use; it may use NVIDIA-H100`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newStoreOf(t, func(c *v1alpha1.ExtenderConfiguration) { c.RequireReservation = new(false) },
				sample(t, "dgx-h100", "h100"), sample(t, "pcie-only", "l40s"), nameless, mixed)
			tenantOf(s, &v1alpha1.GPULimits{Models: tt.models})
			for node, want := range tt.want {
				if got := filtered(t, s, podOf("p", 1, ""), node)[node]; got != want {
					t.Errorf("%s: %q, want %q", node, got, want)
				}
			}
		})
	}
}

func TestAPoolThatIsAnOlderTenantsIsNotClaimed(t *testing.T) {
	s, _ := newStoreOf(t, nil)
	claims := func(accepted metav1.ConditionStatus) bool {
		tenant := &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: "b"}, Spec: v1alpha1.TenantSpec{NodePool: &v1alpha1.NodePool{}}}
		tenant.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionAccepted, Status: accepted}}
		s.SetTenant(tenant)
		_, pooled := s.tenancy.Load().pools["b"]
		return pooled
	}
	for _, accepted := range []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown} {
		if got, want := claims(accepted), accepted != metav1.ConditionFalse; got != want {
			t.Errorf("accepted %s: claims %t, want %t", accepted, got, want)
		}
	}
}

func TestATenantsUseDoesNotDisturbNodes(t *testing.T) {
	s, _ := newStoreOf(t, nil)
	tenant := &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: v1alpha1.TenantSpec{
		NodePool: &v1alpha1.NodePool{}, GPU: &v1alpha1.GPULimits{Models: []string{"B", "A"}},
	}}
	s.SetTenant(tenant)
	before := s.tenancy.Load()
	used := tenant.DeepCopy()
	used.Status.GPU = &v1alpha1.GPUUse{Used: "1"}
	if s.SetTenant(used); s.tenancy.Load() != before {
		t.Error("everything was worked out anew though only the status has changed")
	}
	for name, change := range map[string]func(*v1alpha1.TenantSpec){
		"the pool is gone":       func(spec *v1alpha1.TenantSpec) { spec.NodePool = nil },
		"the pool is another":    func(spec *v1alpha1.TenantSpec) { spec.NodePool.NodeSelector = map[string]string{"a": "b"} },
		"models are fewer":       func(spec *v1alpha1.TenantSpec) { spec.GPU.Models = []string{"A"} },
		"there are no more GPUs": func(spec *v1alpha1.TenantSpec) { spec.GPU = nil },
	} {
		s.SetTenant(tenant)
		before, changed := s.tenancy.Load(), tenant.DeepCopy()
		change(&changed.Spec)
		if s.SetTenant(changed); s.tenancy.Load() == before {
			t.Errorf("not taken in: %s", name)
		}
	}
}
