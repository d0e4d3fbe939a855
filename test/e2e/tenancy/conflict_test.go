package tenancy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/tenancy"
)

func (c *cluster) namespace(t *testing.T, name string, labels map[string]string) *corev1.Namespace {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if err := c.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Delete(t.Context(), ns) })
	return ns
}

// relabel sets the tenant label of a namespace, or takes it away.
func (c *cluster) relabel(t *testing.T, namespace, tenant string) {
	t.Helper()
	value := `"` + tenant + `"`
	if tenant == "" {
		value = "null"
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	patch := fmt.Sprintf(`{"metadata":{"labels":{"tenant":%s}}}`, value)
	if err := c.Patch(t.Context(), ns, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

// policies counts the network policies in a namespace.
func (c *cluster) policies(t *testing.T, namespace string) int {
	t.Helper()
	var list networkingv1.NetworkPolicyList
	if err := c.List(t.Context(), &list, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	return len(list.Items)
}

func TestANamespaceOfSomebodyElsesIsLeftAloneUntilItIsGiven(t *testing.T) {
	ns := shared.namespace(t, "foreign", map[string]string{"team": "blue"})
	shared.run(t)
	shared.tenant(t, `
metadata: {name: claims}
spec:
  owners: [{kind: User, name: alice, role: Admin}]
  namespaces: [foreign, claims-own]
  podSecurity: {enforce: restricted}
  network: {}
`)
	condition := shared.awaitCondition(t, "claims", v1alpha1.ConditionReady, metav1.ConditionFalse, tenancy.ReasonNamespaceConflict)
	for _, want := range []string{`namespace "foreign" is there already and belongs to no tenant`, "label it tenant=claims", "take it out of spec.namespaces"} {
		if !strings.Contains(condition.Message, want) {
			t.Errorf("the condition does not say %q: %s", want, condition.Message)
		}
	}
	// The rest of the Tenant is as it should be.
	awaitTrue(t, "the other namespace is made", func() error {
		return shared.Get(t.Context(), types.NamespacedName{Namespace: "claims-own", Name: "claims-admin-binding"}, &rbacv1.RoleBinding{})
	})
	before := ns.ResourceVersion
	if err := shared.Get(t.Context(), client.ObjectKeyFromObject(ns), ns); err != nil || ns.ResourceVersion != before || shared.policies(t, "foreign") != 0 {
		t.Errorf("the namespace was touched: %v, %v", ns, err)
	}
	awaitTrue(t, "an Event tells of it", func() error {
		var told eventsv1.EventList
		if err := shared.List(t.Context(), &told, client.InNamespace("default")); err != nil {
			return err
		}
		for _, event := range told.Items {
			if event.Reason == tenancy.ReasonNamespaceConflict && event.Regarding.Name == "claims" {
				return nil
			}
		}
		return fmt.Errorf("%d Events, none of them", len(told.Items))
	})

	shared.relabel(t, "foreign", "claims")
	shared.awaitReady(t, "claims")
	if err := shared.Get(t.Context(), client.ObjectKeyFromObject(ns), ns); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"kubernetes.io/metadata.name": "foreign", "team": "blue", "tenant": "claims",
		"pod-security.kubernetes.io/enforce": "restricted",
	}
	if diff := cmp.Diff(want, ns.Labels); diff != "" {
		t.Errorf("labels of the adopted namespace (-want +got):\n%s", diff)
	}
	if n := shared.policies(t, "foreign"); n != 3 {
		t.Errorf("%d network policies in the adopted namespace", n)
	}

	// Taken back, it is as if usher had never been there, but for pods' security:
	// what runs there was admitted under it.
	shared.relabel(t, "foreign", "")
	awaitTrue(t, "it is left", func() error {
		if n := shared.policies(t, "foreign"); n != 0 {
			return fmt.Errorf("%d network policies", n)
		}
		return shared.gone(t, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "foreign", Name: "claims-admin-binding"}})
	})
}

func TestOfTwoTenantsTheOlderGetsTheNamespace(t *testing.T) {
	shared.run(t)
	const manifest = `
metadata: {name: %s}
spec:
  owners: [{kind: User, name: %[1]s, role: Admin}]
  namespaces: [both, %[1]s-alone]
`
	// Of one second, the name decides.
	older := shared.tenant(t, fmt.Sprintf(manifest, "aaa"))
	shared.tenant(t, fmt.Sprintf(manifest, "bbb"))
	shared.awaitReady(t, "aaa")
	condition := shared.awaitCondition(t, "bbb", v1alpha1.ConditionAccepted, metav1.ConditionFalse, tenancy.ReasonNamespaceConflict)
	if want := `namespace "both" is also listed by Tenant "aaa", which is older`; !strings.Contains(condition.Message, want) {
		t.Errorf("the condition does not say %q: %s", want, condition.Message)
	}
	shared.awaitCondition(t, "bbb", v1alpha1.ConditionReady, metav1.ConditionFalse, "NotAccepted")
	if err := shared.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "bbb-alone"}}); err != nil {
		t.Errorf("what is not accepted gets nothing: %v", err)
	}
	if err := shared.gone(t, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "both", Name: "bbb-admin-binding"}}); err != nil {
		t.Error(err)
	}

	// The namespace stays when the older one goes, and must be given.
	if err := shared.Delete(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	shared.awaitCondition(t, "bbb", v1alpha1.ConditionAccepted, metav1.ConditionTrue, "")
	condition = shared.awaitCondition(t, "bbb", v1alpha1.ConditionReady, metav1.ConditionFalse, tenancy.ReasonNamespaceConflict)
	if want := `belongs to tenant "aaa"`; !strings.Contains(condition.Message, want) {
		t.Errorf("the condition does not say %q: %s", want, condition.Message)
	}
	shared.relabel(t, "both", "bbb")
	shared.awaitReady(t, "bbb")
}

func TestOfTwoTenantsTheOlderGetsThePool(t *testing.T) {
	shared.run(t)
	shared.tenant(t, "{metadata: {name: pool-a}, spec: {nodePool: {}}}")
	younger := shared.tenant(t, "{metadata: {name: pool-b}, spec: {nodePool: {nodeSelector: {tenant: pool-a, zone: east}}, namespaces: [pool-b]}}")
	shared.awaitReady(t, "pool-a")
	condition := shared.awaitCondition(t, "pool-b", v1alpha1.ConditionAccepted, metav1.ConditionFalse, tenancy.ReasonPoolConflict)
	if want := `the node pool is also that of Tenant "pool-a"`; !strings.Contains(condition.Message, want) {
		t.Errorf("the condition does not say %q: %s", want, condition.Message)
	}
	if err := shared.Get(t.Context(), client.ObjectKeyFromObject(younger), younger); err != nil {
		t.Fatal(err)
	}
	younger.Spec.NodePool.NodeSelector = nil
	if err := shared.Update(t.Context(), younger); err != nil {
		t.Fatal(err)
	}
	shared.awaitReady(t, "pool-b")
}

func TestANamespaceOfTheClustersOwnIsNobodys(t *testing.T) {
	shared.run(t)
	shared.tenant(t, "{metadata: {name: greedy}, spec: {network: {}}}")
	shared.awaitReady(t, "greedy")
	shared.relabel(t, "kube-public", "greedy")
	t.Cleanup(func() {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-public"}}
		_ = shared.Patch(t.Context(), ns, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"tenant":null}}}`)))
	})
	shared.awaitCondition(t, "greedy", v1alpha1.ConditionReady, metav1.ConditionFalse, tenancy.ReasonReserved)
	if n := shared.policies(t, "kube-public"); n != 0 {
		t.Errorf("%d network policies in kube-public", n)
	}
	shared.relabel(t, "kube-public", "")
	shared.awaitReady(t, "greedy")
}
