package tenancy

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// ofA is tenant a with a spec.
func ofA(spec v1alpha1.TenantSpec) *v1alpha1.Tenant {
	return &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: spec}
}

// names lists objects by kind and name, in order.
func names(objects []client.Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, keyOf(o))
	}
	return out
}

func TestWhatATenantWantsInANamespace(t *testing.T) {
	no := false
	for name, c := range map[string]struct {
		spec v1alpha1.TenantSpec
		want []string
	}{
		"nothing": {v1alpha1.TenantSpec{}, nil},
		"everything": {
			v1alpha1.TenantSpec{
				ResourceQuota: &corev1.ResourceQuotaSpec{}, LimitRange: &corev1.LimitRangeSpec{},
				Network: &v1alpha1.NetworkIsolation{
					Egress:   []v1alpha1.ExternalEgress{{CIDR: "0.0.0.0/0"}, {CIDR: "169.254.169.254/32"}, {CIDR: "::/0"}},
					Policies: map[string]networkingv1.NetworkPolicySpec{"b": {}, "a": {}},
				},
			},
			[]string{
				"*v1.ResourceQuota/ns/a-quota", "*v1.LimitRange/ns/a-limits",
				"*v1.NetworkPolicy/ns/default-deny-all", "*v1.NetworkPolicy/ns/allow-same-namespace", "*v1.NetworkPolicy/ns/allow-dns",
				"*v1.NetworkPolicy/ns/allow-external-egress", "*v1.NetworkPolicy/ns/allow-external-egress-3",
				"*v1.NetworkPolicy/ns/a", "*v1.NetworkPolicy/ns/b",
			},
		},
		"a network of all its namespaces, without DNS": {
			v1alpha1.TenantSpec{Network: &v1alpha1.NetworkIsolation{Scope: v1alpha1.NetworkScopeTenant, DNS: &no}},
			[]string{"*v1.NetworkPolicy/ns/default-deny-all", "*v1.NetworkPolicy/ns/allow-same-tenant"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := isolation(ofA(c.spec), "tenant", "ns")
			if diff := cmp.Diff(c.want, names(objects)); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			for _, o := range objects {
				if !isManaged(o.GetLabels(), "a") {
					t.Errorf("%s bears %v", keyOf(o), o.GetLabels())
				}
			}
		})
	}
}

func TestOwnersAreBoundSortedAndOnce(t *testing.T) {
	owner := func(kind v1alpha1.OwnerKind, namespace, name string, role v1alpha1.OwnerRole) v1alpha1.Owner {
		return v1alpha1.Owner{Kind: kind, Namespace: namespace, Name: name, Role: role}
	}
	got := roleBindings(ofA(v1alpha1.TenantSpec{Owners: []v1alpha1.Owner{
		owner("User", "", "zoe", "Admin"), owner("ServiceAccount", "ci", "b", "Admin"), owner("User", "", "amy", "Admin"),
		owner("User", "", "zoe", "Admin"), owner("Group", "", "devs", "Developer"), owner("ServiceAccount", "a", "c", "Admin"),
	}}), "ns")
	group := rbacv1.GroupName
	want := []*rbacv1.RoleBinding{
		{
			ObjectMeta: meta("a", "ns", "a-admin-binding"),
			RoleRef:    rbacv1.RoleRef{APIGroup: group, Kind: "ClusterRole", Name: AdminRole},
			Subjects: []rbacv1.Subject{
				{Kind: "ServiceAccount", Namespace: "a", Name: "c"},
				{Kind: "ServiceAccount", Namespace: "ci", Name: "b"},
				{Kind: "User", APIGroup: group, Name: "amy"},
				{Kind: "User", APIGroup: group, Name: "zoe"},
			},
		},
		{
			ObjectMeta: meta("a", "ns", "a-developer-binding"),
			RoleRef:    rbacv1.RoleRef{APIGroup: group, Kind: "ClusterRole", Name: DeveloperRole},
			Subjects:   []rbacv1.Subject{{Kind: "Group", APIGroup: group, Name: "devs"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	if got := roleBindings(ofA(v1alpha1.TenantSpec{}), "ns"); got != nil {
		t.Errorf("nobody is bound: %v", got)
	}
}

func TestDevicesAreNotGivenToWhoAsksForNone(t *testing.T) {
	spec := corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{
		{
			Type: corev1.LimitTypeContainer,
			Max:  list(map[corev1.ResourceName]string{"cpu": "8", "nvidia.com/gpu": "1", "example.com/nic": "4"}),
			Min:  list(map[corev1.ResourceName]string{"cpu": "1", "memory": "1Mi", "example.com/nic": "2"}),
		},
		{Type: corev1.LimitTypePod, Max: list(map[corev1.ResourceName]string{"nvidia.com/gpu": "4"})},
	}}
	got := limitRange(ofA(v1alpha1.TenantSpec{LimitRange: &spec}), "ns").Spec.Limits
	want := map[corev1.ResourceName]string{"cpu": "8", "nvidia.com/gpu": "0", "example.com/nic": "2"}
	if diff := cmp.Diff(list(want), got[0].Default); diff != "" {
		t.Errorf("default (-want +got):\n%s", diff)
	}
	want["memory"] = "1Mi"
	if diff := cmp.Diff(list(want), got[0].DefaultRequest); diff != "" {
		t.Errorf("default request (-want +got):\n%s", diff)
	}
	if got[1].Default != nil || spec.Limits[0].Default != nil {
		t.Error("pods have defaults, or the Tenant was changed")
	}
}

// TestNoEgressReachesTheMetadataService draws any CIDRs.
func TestNoEgressReachesTheMetadataService(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		service := rapid.SampledFrom(metadataServices).Draw(r, "service")
		near := service.Addr().AsSlice()
		for i := range near {
			if rapid.IntRange(0, 8).Draw(r, "change") == 0 {
				near[i] = rapid.Byte().Draw(r, "byte")
			}
		}
		address, _ := netip.AddrFromSlice(near)
		cidr := netip.PrefixFrom(address, rapid.IntRange(0, address.BitLen()).Draw(r, "bits")).Masked()
		spec, ok := externalEgress(v1alpha1.ExternalEgress{CIDR: cidr.String()})
		if !ok {
			if cidr != service {
				r.Fatalf("%s grants nothing", cidr)
			}
			return
		}
		block := spec.Egress[0].To[0].IPBlock
		excepted := false
		for _, except := range block.Except {
			excepted = excepted || netip.MustParsePrefix(except).Contains(service.Addr())
			if within := netip.MustParsePrefix(except); !cidr.Contains(within.Addr()) || within.Bits() <= cidr.Bits() {
				r.Fatalf("%s is not within %s", except, cidr)
			}
		}
		if cidr.Contains(service.Addr()) != excepted {
			r.Fatalf("%s except %v", cidr, block.Except)
		}
	})
}

func TestAmountsAreRoundedAgainstTheTenant(t *testing.T) {
	for text, want := range map[string][2]int64{"1": {1, 1}, "1500m": {1, 2}, "0": {0, 0}, "1Ki": {1024, 1024}, "100E": {1<<63 - 1, 1<<63 - 1}} {
		q := resource.MustParse(text)
		if got := [2]int64{floor("pods", q), ceiling("pods", q)}; got != want {
			t.Errorf("%s pods: %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string][2]int64{"1": {1000, 1000}, "1u": {0, 1}, "1500u": {1, 2}, "10P": {1<<63 - 1, 1<<63 - 1}} {
		q := resource.MustParse(text)
		if got := [2]int64{floor("requests.cpu", q), ceiling("requests.cpu", q)}; got != want {
			t.Errorf("%s CPUs: %v, want %v", text, got, want)
		}
	}
}
