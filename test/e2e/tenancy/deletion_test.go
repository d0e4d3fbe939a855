package tenancy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/tenancy"
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
	shared.run(t, tenancy.Options{})
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
	shared.run(t, tenancy.Options{})
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

// TestADeletionThatIsBrokenOffAnywhereIsTakenUpAgain lets the controller die at
// its first request, its second and so on, until it comes through.
func TestADeletionThatIsBrokenOffAnywhereIsTakenUpAgain(t *testing.T) {
	died := errors.New("the controller has died")
	for at := 1; ; at++ {
		name := fmt.Sprintf("broken-%d", at)
		first := shared.run(t, tenancy.Options{})
		tenant := shared.going(t, name, "Delete")
		first.stop()
		if err := shared.Delete(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}

		dying := shared.run(t, tenancy.Options{})
		requests, dead := 0, make(chan struct{})
		dying.calls.set(func(r *http.Request) error {
			if r.Method == http.MethodGet && r.URL.Query().Get("watch") != "" {
				return nil
			}
			if requests++; requests == at {
				close(dead)
			}
			if requests >= at {
				return died
			}
			return nil
		})
		whole := make(chan struct{})
		go func() {
			defer close(whole)
			for shared.gone(t, tenant.DeepCopy()) != nil && t.Context().Err() == nil {
				select {
				case <-dead:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		}()
		<-whole
		dying.stop()

		last := shared.run(t, tenancy.Options{})
		awaitTrue(t, name+" is gone", func() error { return shared.gone(t, tenant) })
		for _, namespace := range []string{name + "-made", name + "-too"} {
			if err := shared.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
				t.Error(err)
			}
		}
		shared.checkLeft(t, name, name+"-adopted")
		last.stop()
		select {
		case <-dead:
		default:
			t.Logf("it took %d requests, and was broken off at each", at-1)
			return
		}
		if t.Failed() || at > 40 {
			t.Fatalf("at request %d", at)
		}
	}
}
