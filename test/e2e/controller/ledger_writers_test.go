package controller_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/webhook"
)

var (
	ledgers = schema.GroupVersionResource{Group: "usher.dev", Version: "v1alpha1", Resource: "quotaledgers"}
	tenants = ledgers.GroupVersion().WithResource("tenants")
)

// ledgerClient writes ledgers as one user.
func ledgerClient(t *testing.T, config *rest.Config, err error) dynamic.ResourceInterface {
	t.Helper()
	must(t, err)
	client, err := dynamic.NewForConfig(config)
	must(t, err)
	return client.Resource(ledgers)
}

func ledger(name, version, over string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "usher.dev/v1alpha1", "kind": "QuotaLedger",
		"metadata": map[string]any{"name": name},
		"spec":     map[string]any{"hard": map[string]any{"microUnits": int64(8_000_000)}},
		"status":   map[string]any{"version": version, "over": over},
	}}
}

// TestNobodyButUsherWritesLedgers lets every sort of user try every sort of
// write. All of them may do all by RBAC.
func TestNobodyButUsherWritesLedgers(t *testing.T) {
	c := start(t)
	for _, r := range c.replicas {
		r.Kill() // so that nothing is settled meanwhile
	}
	must(t, c.ApplyYAML(t.Context(), `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everything}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
  - {kind: User, name: platform}
  - {kind: ServiceAccount, namespace: usher-system, name: usher-webhook}
  - {kind: ServiceAccount, namespace: usher-system, name: usher-controller}
  - {kind: ServiceAccount, namespace: default, name: usher-controller}
`))
	must(t, c.ApplyYAML(t.Context(), `{apiVersion: v1, kind: ServiceAccount, metadata: {namespace: default, name: usher-controller}}`))
	as := func(namespace, name string) dynamic.ResourceInterface {
		config, err := c.AsServiceAccount(t.Context(), namespace, name, nil)
		return ledgerClient(t, config, err)
	}
	settler, reserver := as(controller.Namespace, controller.Name), as(webhook.Namespace, webhook.Name)
	config, err := c.As("platform")
	others := map[string]dynamic.ResourceInterface{
		"an administrator of the cluster":        ledgerClient(t, c.Config(), nil),
		"a user who may do everything":           ledgerClient(t, config, err),
		"an account of the same name, elsewhere": as("default", controller.Name),
	}

	_, err = settler.Create(t.Context(), ledger("a", "", ""), metav1.CreateOptions{})
	must(t, err)
	put := func(who dynamic.ResourceInterface, version string) error {
		now, err := who.Get(t.Context(), "a", metav1.GetOptions{})
		must(t, err)
		over, _, _ := unstructured.NestedString(now.Object, "status", "version")
		next := ledger("a", version, over)
		next.SetResourceVersion(now.GetResourceVersion())
		_, err = who.UpdateStatus(t.Context(), next, metav1.UpdateOptions{})
		return err
	}
	patch := func(who dynamic.ResourceInterface, body string, subresources ...string) error {
		_, err := who.Patch(t.Context(), "a", types.MergePatchType, []byte(body), metav1.PatchOptions{}, subresources...)
		return err
	}
	must(t, put(settler, "1"))
	must(t, put(reserver, "2"))
	must(t, patch(settler, `{"spec": {"hard": {"microUnits": 9000000}}}`))

	refused := func(what string, err error) {
		t.Helper()
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "is written by usher-webhook and usher-controller alone, not by ") ||
			!strings.Contains(err.Error(), "delete the ledger to have it counted anew") {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("the webhook writes limits", patch(reserver, `{"spec": {"hard": {"microUnits": 1}}}`))
	_, err = reserver.Create(t.Context(), ledger("b", "", ""), metav1.CreateOptions{})
	refused("the webhook makes a ledger", err)
	for who, client := range others {
		_, err := client.Create(t.Context(), ledger("b", "", ""), metav1.CreateOptions{})
		refused(who+" makes a ledger", err)
		refused(who+" writes limits", patch(client, `{"spec": {"hard": {"microUnits": 1}}}`))
		refused(who+" takes the limits away", patch(client, `{"spec": null}`))
		refused(who+" puts a status", put(client, "3"))
		refused(who+" patches a status", patch(client, `{"status": {"version": "3", "over": "2"}}`, "status"))
		applied := fmt.Appendf(nil, `{"apiVersion": "usher.dev/v1alpha1", "kind": "QuotaLedger", "metadata": {"name": "a"}, "spec": {"hard": {"resources": {"nvidia.com/gpu": 1}}}}`)
		_, err = client.Patch(t.Context(), "a", types.ApplyPatchType, applied, metav1.PatchOptions{FieldManager: "other"})
		refused(who+" applies limits", err)
		if err := patch(client, `{"metadata": {"annotations": {"example.com/seen": "`+strings.ReplaceAll(who, " ", "-")+`"}}}`); err != nil {
			t.Errorf("%s annotates: %v", who, err)
		}
		must(t, client.Delete(t.Context(), "a", metav1.DeleteOptions{}))
		_, err = settler.Create(t.Context(), ledger("a", "", ""), metav1.CreateOptions{})
		must(t, err)
		must(t, put(settler, "2"))
	}
}

// TestLedgersOfDeletedTenantsAreCollected deletes a Tenant in every way; the
// garbage collector writes metadata of its ledger, as itself.
func TestLedgersOfDeletedTenantsAreCollected(t *testing.T) {
	c := start(t)
	for _, r := range c.replicas {
		r.Kill()
	}
	c.kubernetes(t, "garbage-collector-controller")
	admin, err := dynamic.NewForConfig(c.Config())
	must(t, err)
	config, err := c.AsServiceAccount(t.Context(), controller.Namespace, controller.Name, nil)
	settler := ledgerClient(t, config, err)
	for _, propagation := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan} {
		name := strings.ToLower(string(propagation))
		owner, err := admin.Resource(tenants).Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "usher.dev/v1alpha1", "kind": "Tenant", "metadata": map[string]any{"name": name},
		}}, metav1.CreateOptions{})
		must(t, err)
		kept := ledger(name, "", "")
		block := true
		kept.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: "usher.dev/v1alpha1", Kind: "Tenant", Name: name, UID: owner.GetUID(), Controller: &block, BlockOwnerDeletion: &block,
		}})
		_, err = settler.Create(t.Context(), kept, metav1.CreateOptions{})
		must(t, err)
		must(t, admin.Resource(tenants).Delete(t.Context(), name, metav1.DeleteOptions{PropagationPolicy: &propagation}))
		await.Success(t, patience, "the Tenant deleted, "+name, func() (struct{}, error) {
			return struct{}{}, gone(t.Context(), admin.Resource(tenants), name)
		})
		if propagation != metav1.DeletePropagationOrphan {
			await.Success(t, patience, "the ledger collected, "+name, func() (struct{}, error) {
				return struct{}{}, gone(t.Context(), settler, name)
			})
			continue
		}
		orphan, err := settler.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil || len(orphan.GetOwnerReferences()) > 0 {
			t.Errorf("the orphan is owned by %v: %v", orphan.GetOwnerReferences(), err)
		}
	}
}

// gone is an error while an object is there.
func gone(ctx context.Context, client dynamic.ResourceInterface, name string) error {
	object, err := client.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("%s is still there, finalizers %q", name, object.GetFinalizers())
	}
}
