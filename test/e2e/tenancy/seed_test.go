package tenancy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/tenancy"
)

// origins is what the test says of where each line of the seed is now.
type origins struct {
	text strings.Builder
	rows *tabwriter.Writer
}

func newOrigins() *origins {
	o := &origins{}
	o.rows = tabwriter.NewWriter(&o.text, 0, 0, 2, ' ', 0)
	return o
}

func (o *origins) row(seed, line, made string) {
	_, _ = fmt.Fprintf(o.rows, "%s\t%s\t◄ %s\n", seed, line, made)
}

// seed reads an object of testdata/seed.
func seed[T client.Object](t *testing.T, name string, into T) T {
	t.Helper()
	if err := yaml.UnmarshalStrict(file(t, "testdata", "seed", name), into); err != nil {
		t.Fatal(err)
	}
	return into
}

// made reads an object of tenant-a's namespace.
func made[T client.Object](t *testing.T, name string, into T) T {
	t.Helper()
	if err := shared.Get(t.Context(), types.NamespacedName{Namespace: "tenant-a", Name: name}, into); err != nil {
		t.Fatal(err)
	}
	return into
}

// TestTheSeedsTenants makes tenant-a and tenant-b of two Tenants and compares what
// comes of them with the seed's manifests, line by line.
func TestTheSeedsTenants(t *testing.T) {
	if err := shared.ApplyYAML(t.Context(), string(file(t, "testdata", "objects", "tenants.yaml"))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shared.sweep(t, "tenant-a"); shared.sweep(t, "tenant-b") })
	shared.run(t)
	shared.awaitReady(t, "tenant-a", "tenant-b")
	shown := newOrigins()
	t.Cleanup(func() {
		_ = shown.rows.Flush()
		t.Log("what the seed shows ◄ what it comes from\n" + shown.text.String())
	})
	for name, test := range map[string]func(*testing.T, *origins){
		"labels": seedLabels, "quota": seedQuota, "limits": seedLimits, "network policies": seedNetworkPolicies, "binding": seedBinding,
	} {
		t.Run(name, func(t *testing.T) { test(t, shown) })
	}
	t.Run("admin", func(t *testing.T) {
		mayExactly(t, shown, "role-tenant-admin.yaml", "tenant-a", who{user: "alice@example.com"})
	})
	t.Run("developer", func(t *testing.T) {
		mayExactly(t, shown, "role-tenant-developer.yaml", "tenant-b", who{user: "dave", group: "tenant-b-developers"})
	})
	t.Run("an admin weakens nothing", func(t *testing.T) { cannotWeaken(t, "tenant-a", "alice@example.com") })
}

func seedLabels(t *testing.T, shown *origins) {
	ns := &corev1.Namespace{}
	if err := shared.Get(t.Context(), types.NamespacedName{Name: "tenant-a"}, ns); err != nil {
		t.Fatal(err)
	}
	want := &corev1.Namespace{}
	// The first of two documents.
	first, _, _ := strings.Cut(string(file(t, "testdata", "seed", "namespaces.yaml")), "\n---\n")
	if err := yaml.UnmarshalStrict([]byte(first), want); err != nil {
		t.Fatal(err)
	}
	secure := seed(t, "namespace-pod-security.yaml", &corev1.Namespace{})
	for from, labels := range map[string]map[string]string{"namespaces.yaml": want.Labels, "namespace-pod-security.yaml": secure.Labels} {
		for _, key := range slices.Sorted(maps.Keys(labels)) {
			if ns.Labels[key] != labels[key] {
				t.Errorf("%s: %s is %q, want %q", from, key, ns.Labels[key], labels[key])
			}
			source := "spec.namespaces"
			if from != "namespaces.yaml" {
				source = "spec.podSecurity." + key[strings.Index(key, "/")+1:]
			}
			shown.row(from, key+": "+labels[key], source)
		}
	}
}

func seedQuota(t *testing.T, shown *origins) {
	want := seed(t, "resource-quota.yaml", &corev1.ResourceQuota{})
	got := made(t, want.Name, &corev1.ResourceQuota{})
	if diff := cmp.Diff(want.Spec, got.Spec); diff != "" {
		t.Errorf("quota (-seed +made):\n%s", diff)
	}
	for _, name := range slices.Sorted(maps.Keys(want.Spec.Hard)) {
		amount := want.Spec.Hard[name]
		source := fmt.Sprintf("spec.resourceQuota.hard[%s]", name)
		// The API server takes the line and Kubernetes never counts it.
		_, counted := got.Status.Used[name]
		if dead := name == "limits.nvidia.com/gpu"; dead == counted {
			t.Errorf("%s is counted: %t", name, counted)
		} else if dead {
			source += ", which bounds nothing: of devices Kubernetes counts requests, and they equal limits"
		}
		shown.row("resource-quota.yaml", fmt.Sprintf("%s: %s", name, amount.String()), source)
	}
}

func seedLimits(t *testing.T, shown *origins) {
	want := seed(t, "limit-range.yaml", &corev1.LimitRange{})
	got := made(t, want.Name, &corev1.LimitRange{})
	for i, item := range want.Spec.Limits {
		for _, field := range []struct {
			name      string
			seed, got corev1.ResourceList
		}{
			{"max", item.Max, got.Spec.Limits[i].Max},
			{"min", item.Min, got.Spec.Limits[i].Min},
			{"default", item.Default, got.Spec.Limits[i].Default},
			{"defaultRequest", item.DefaultRequest, got.Spec.Limits[i].DefaultRequest},
		} {
			for _, name := range slices.Sorted(maps.Keys(field.got)) {
				amount, inSeed := field.seed[name]
				made := field.got[name]
				line := fmt.Sprintf("%s %s %s: %s", item.Type, field.name, name, made.String())
				switch {
				case inSeed && amount.Cmp(made) == 0:
					shown.row("limit-range.yaml", line, fmt.Sprintf("spec.limitRange.limits[%d].%s", i, field.name))
				case !inSeed && name == "nvidia.com/gpu" && made.IsZero():
					shown.row("(not in the seed)", line, "usher: without it the API server makes the maximum the default, and every container takes a GPU")
				default:
					t.Errorf("%s, the seed has %q", line, amount.String())
				}
			}
			for name := range field.seed {
				if _, ok := field.got[name]; !ok {
					t.Errorf("%s %s %s is missing", item.Type, field.name, name)
				}
			}
		}
	}
	if len(got.Spec.Limits) != len(want.Spec.Limits) {
		t.Errorf("%d items, the seed has %d", len(got.Spec.Limits), len(want.Spec.Limits))
	}
	seedLimitsAsWritten(t, want)
}

// seedLimitsAsWritten shows what the API server makes of the seed's LimitRange
// without usher: that containers get a GPU which ask for none.
func seedLimitsAsWritten(t *testing.T, limits *corev1.LimitRange) {
	t.Helper()
	limits.Name = "as-written"
	if err := shared.Create(t.Context(), limits, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	gpus := limits.Spec.Limits[1].Default["nvidia.com/gpu"]
	if gpus.Value() != 1 {
		t.Errorf("the API server defaults GPUs to %s; usher need not correct it any more", gpus.String())
	}
}

func seedNetworkPolicies(t *testing.T, shown *origins) {
	for name, source := range map[string]string{
		"default-deny-all":          "spec.network",
		"allow-same-namespace":      "spec.network.scope: Namespace",
		"allow-frontend-to-backend": "spec.network.policies[allow-frontend-to-backend]",
	} {
		from := "network-policy-" + name + ".yaml"
		want := seed(t, from, &networkingv1.NetworkPolicy{})
		if diff := cmp.Diff(want.Spec, made(t, name, &networkingv1.NetworkPolicy{}).Spec); diff != "" {
			t.Errorf("%s (-seed +made):\n%s", name, diff)
		}
		shown.row(from, "all of it", source)
	}

	const from = "network-policy-allow-external-egress.yaml"
	want := seed(t, from, &networkingv1.NetworkPolicy{})
	dns := want.Spec.Egress[0]
	want.Spec.Egress = want.Spec.Egress[1:]
	if diff := cmp.Diff(want.Spec, made(t, want.Name, &networkingv1.NetworkPolicy{}).Spec); diff != "" {
		t.Errorf("%s without DNS (-seed +made):\n%s", want.Name, diff)
	}
	shown.row(from, "egress to 0.0.0.0/0, TCP 443, of app: web", "spec.network.egress[0]")
	shown.row(from, "except 169.254.169.254/32", "usher: always")

	// The seed lets app: web alone resolve names. Its two peers open all pods of a
	// namespace that is labelled name: kube-system, on port 53, and those of its own
	// namespace that call themselves kube-dns.
	if len(dns.To) != 2 || dns.To[0].PodSelector != nil || dns.To[1].NamespaceSelector != nil {
		t.Errorf("the seed's DNS rule is another: %+v", dns)
	}
	got := made(t, "allow-dns", &networkingv1.NetworkPolicy{}).Spec
	if len(got.Egress) != 1 || len(got.Egress[0].To) != 1 || len(got.Ingress) != 0 {
		t.Fatalf("allow-dns: %+v", got)
	}
	peer := got.Egress[0].To[0]
	if diff := cmp.Diff(dns.To[1].PodSelector, peer.PodSelector); diff != "" {
		t.Errorf("DNS pods (-seed +made):\n%s", diff)
	}
	if peer.NamespaceSelector.MatchLabels[corev1.LabelMetadataName] != "kube-system" {
		t.Errorf("DNS namespace: %+v", peer.NamespaceSelector)
	}
	shown.row(from, "DNS, UDP 53, by two peers", "spec.network.dns: policy allow-dns, one peer with both selectors; TCP 53, too, and for all pods")
}

func seedBinding(t *testing.T, shown *origins) {
	want := seed(t, "role-binding-tenant-a-admin.yaml", &rbacv1.RoleBinding{})
	got := made(t, want.Name, &rbacv1.RoleBinding{})
	if diff := cmp.Diff(want.Subjects, got.Subjects); diff != "" {
		t.Errorf("subjects (-seed +made):\n%s", diff)
	}
	if want := (rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: tenancy.AdminRole}); got.RoleRef != want {
		t.Errorf("role %+v, want %+v", got.RoleRef, want)
	}
	shown.row("role-binding-tenant-a-admin.yaml", "subject User alice@example.com", "spec.owners[0]")
	shown.row("role-binding-tenant-a-admin.yaml", "roleRef Role tenant-admin", "ClusterRole "+tenancy.AdminRole+", the same for all tenants")
}
