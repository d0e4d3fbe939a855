package tenancy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

const goingTenant = `
metadata: {name: %[1]s}
spec:
  owners: [{kind: User, name: alice, role: Admin}]
  namespaces: [%[1]s-made, %[1]s-too]
  deletionPolicy: %[2]s
  resourceQuota: {hard: {pods: "10"}}
  network: {}
`

// going makes a tenant with two made namespaces and an adopted one, with something
// of its own in each.
func (c *cluster) going(t *testing.T, name, policy string) *v1alpha1.Tenant {
	t.Helper()
	adopted := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name + "-adopted", Labels: map[string]string{"tenant": name}}}
	if err := c.Create(t.Context(), adopted); err != nil {
		t.Fatal(err)
	}
	tenant := c.tenant(t, fmt.Sprintf(goingTenant, name, policy))
	c.awaitReady(t, name)
	for _, namespace := range []string{name + "-made", name + "-too", name + "-adopted"} {
		data := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "data"}}
		if err := c.Create(t.Context(), data); err != nil {
			t.Fatal(err)
		}
		if err := c.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: name + "-admin-binding"}, &rbacv1.RoleBinding{}); err != nil {
			t.Fatal(err)
		}
	}
	return tenant
}

func (c *cluster) gone(t *testing.T, o client.Object) error {
	err := c.Get(t.Context(), client.ObjectKeyFromObject(o), o)
	if err == nil {
		return fmt.Errorf("%T %s is still there", o, o.GetName())
	}
	return client.IgnoreNotFound(err)
}

// checkLeft wants a namespace to hold its data and all that bounds it, and nobody
// to have access.
func (c *cluster) checkLeft(t *testing.T, tenant, namespace string) {
	t.Helper()
	in := func(name string) types.NamespacedName { return types.NamespacedName{Namespace: namespace, Name: name} }
	for name, o := range map[string]client.Object{
		"data": &corev1.ConfigMap{}, tenant + "-quota": &corev1.ResourceQuota{}, "default-deny-all": &networkingv1.NetworkPolicy{},
	} {
		if err := c.Get(t.Context(), in(name), o); err != nil || !o.GetDeletionTimestamp().IsZero() {
			t.Errorf("%s in %s: %v", name, namespace, err)
		}
	}
	if err := c.Get(t.Context(), in(tenant+"-admin-binding"), &rbacv1.RoleBinding{}); !apierrors.IsNotFound(err) {
		t.Errorf("access to %s: %v, want it gone", namespace, err)
	}
}

func TestRetainTakesAccessAwayAndLeavesTheRest(t *testing.T) {
	shared.run(t)
	tenant := shared.going(t, "retained", "Retain")
	if err := shared.Delete(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, "the Tenant is gone", func() error { return shared.gone(t, tenant) })
	for _, namespace := range []string{"retained-made", "retained-too", "retained-adopted"} {
		shared.checkLeft(t, "retained", namespace)
	}
	// Who comes back finds it all.
	shared.tenant(t, fmt.Sprintf(goingTenant, "retained", "Delete"))
	shared.awaitReady(t, "retained")
	if err := shared.Get(t.Context(), types.NamespacedName{Namespace: "retained-made", Name: "data"}, &corev1.ConfigMap{}); err != nil {
		t.Error(err)
	}
}

func TestDeleteWaitsForWhatWasMadeAndLeavesWhatWasAdopted(t *testing.T) {
	shared.run(t)
	tenant := shared.going(t, "deleted", "Delete")
	// Something keeps a namespace from going.
	held := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "deleted-made", Name: "held", Finalizers: []string{"example.com/held"}}}
	if err := shared.Create(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	if err := shared.Delete(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, "the other namespace is gone", func() error {
		return shared.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "deleted-too"}})
	})
	condition := shared.awaitCondition(t, "deleted", v1alpha1.ConditionReady, metav1.ConditionFalse, "Deleting")
	if !strings.Contains(condition.Message, "deleted-made") {
		t.Errorf("the Tenant waits for %q", condition.Message)
	}
	if err := shared.Patch(t.Context(), held, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, "the Tenant is gone", func() error { return shared.gone(t, tenant) })
	if err := shared.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "deleted-made"}}); err != nil {
		t.Error(err)
	}
	shared.checkLeft(t, "deleted", "deleted-adopted")
}

// crashes is at how many requests of a deletion the controller dies. It makes
// fewer, so that the last deletions come through.
const crashes = 36

// TestADeletionThatIsBrokenOffAnywhereIsTakenUpAgain lets the controller die, for
// one tenant at its first request, for the next at its second and so on.
func TestADeletionThatIsBrokenOffAnywhereIsTakenUpAgain(t *testing.T) {
	var tenants []*v1alpha1.Tenant
	first := shared.run(t)
	for n := range crashes {
		tenants = append(tenants, shared.going(t, fmt.Sprintf("broken-%02d", n), "Delete"))
	}
	first.stop()
	for _, tenant := range tenants {
		if err := shared.Delete(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}

	requests := newDeaths(tenants)
	dying := shared.runAsked(t, requests.ask)
	for n, tenant := range tenants {
		awaitTrue(t, tenant.Name+" is gone, or the controller", func() error {
			if requests.died(n) {
				return nil
			}
			return shared.gone(t, tenant)
		})
	}
	dying.stop()
	dead := 0
	for n := range tenants {
		if requests.died(n) {
			dead++
		}
	}
	if dead < 8 || dead == crashes {
		t.Errorf("the controller died of %d deletions of %d", dead, crashes)
	}
	t.Logf("a deletion took %d requests, and was broken off at each", dead)

	shared.run(t)
	for _, tenant := range tenants {
		awaitTrue(t, tenant.Name+" is gone", func() error { return shared.gone(t, tenant) })
		for _, namespace := range []string{tenant.Name + "-made", tenant.Name + "-too"} {
			if err := shared.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
				t.Error(err)
			}
		}
		shared.checkLeft(t, tenant.Name, tenant.Name+"-adopted")
	}
}

// deaths fail the requests that are about the n-th tenant from the n-th on.
type deaths struct {
	mu      sync.Mutex
	tenants []*v1alpha1.Tenant
	made    []int
}

func newDeaths(tenants []*v1alpha1.Tenant) *deaths {
	return &deaths{tenants: tenants, made: make([]int, len(tenants))}
}

func (d *deaths) ask(r *http.Request) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, tenant := range d.tenants {
		if !strings.Contains(r.URL.String(), tenant.Name) {
			continue
		}
		if d.made[n]++; d.made[n] > n {
			return errors.New("the controller has died")
		}
	}
	return nil
}

func (d *deaths) died(n int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.made[n] > n
}
