package controller_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/webhook"
)

// TestWhatANewerVersionWritesStays has the controller work on objects that a newer
// version of usher, its CRDs included, has written, as after a rollback that left the
// CRDs: fields of a Tenant that it does not know, and keys in a ledger.
func TestWhatANewerVersionWritesStays(t *testing.T) {
	c := start(t)
	c.kubernetes(t, "resourcequota-controller", "namespace-controller", "garbage-collector-controller")
	c.leader(t)
	everything, err := dynamic.NewForConfig(c.Config())
	must(t, err)
	crds := everything.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	_, err = crds.Patch(t.Context(), "tenants.usher.dev", types.JSONPatchType, []byte(
		`[{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/grade", "value": {"type": "string"}}]`), metav1.PatchOptions{})
	must(t, err)

	// What is not known to the controller stays, whatever it writes around it.
	await.Success(t, patience, "a field that the kind has got is kept", func() (struct{}, error) {
		must(t, c.ApplyYAML(t.Context(), strings.Replace(newerTenant, "namespaces:", "grade: gold\n  namespaces:", 1)))
		return struct{}{}, c.has("grade", "tenant", "newer", "-o", "jsonpath={.spec.grade}")(t)
	})
	for _, what := range []string{
		"tenant newer -o jsonpath={.status.namespaces[0].name}",
		"tenant newer -o jsonpath={.metadata.finalizers}",
		"quotaledger newer -o jsonpath={.status.counted}",
	} {
		await.Success(t, patience, what, func() (struct{}, error) {
			return struct{}{}, c.has(what, strings.Fields(what)...)(t)
		})
	}
	if grade, _, err := c.Kubectl(t.Context(), "", "get", "tenant", "newer", "-o", "jsonpath={.spec.grade}"); err != nil || grade != "gold" {
		t.Errorf("the tenant's grade is %q: %v", grade, err)
	}

	// A newer webhook reserves, and notes something that the controller does not know.
	config, err := c.AsServiceAccount(t.Context(), webhook.Namespace, webhook.Name, nil)
	reserver := ledgerClient(t, config, err)
	put, err := reserver.Get(t.Context(), "newer", metav1.GetOptions{})
	must(t, err)
	over, _, err := unstructured.NestedString(put.Object, "status", "version")
	must(t, err)
	// As it would, the whole status is put.
	for key, value := range map[string]any{
		"version": "newer", "over": over, "reserved": int64(1_000_000),
		"reservations": []any{"Pod newer-a/train 1000000 nvidia.com/gpu=1 reservation=of-newer expires=2026-01-01T00:00:00Z zone=b"},
	} {
		must(t, unstructured.SetNestedField(put.Object, value, "status", key))
	}
	_, err = reserver.UpdateStatus(t.Context(), put, metav1.UpdateOptions{})
	must(t, err)
	must(t, c.ApplyYAML(t.Context(), strings.Replace(pod("newer-a", "train", "nvidia.com/gpu", 1),
		"name: train}", "name: train, labels: {"+v1alpha1.ReservationLabel+": of-newer}}", 1)))
	holder := await.Success(t, patience, "the reservation is a holder", func() (string, error) {
		text, _, err := c.Kubectl(t.Context(), "", "get", "quotaledger", "newer", "-o", "jsonpath={.status.holders[0]} {.status.reservations}")
		if err == nil && !strings.HasPrefix(text, "Pod newer-a/train 1000000 nvidia.com/gpu=1 reservation=of-newer uid=") {
			err = errors.New("the ledger says " + text)
		}
		return strings.TrimSpace(text), err
	})
	if !strings.HasSuffix(holder, " zone=b") {
		t.Errorf("what the newer version noted is lost: %s", holder)
	}

	// And it stays when the holder is put right, since it is being deleted.
	_, _, err = c.Kubectl(t.Context(), "", "patch", "pod", "-n", "newer-a", "train", "--type=merge", "-p", `{"metadata": {"finalizers": ["example.com/stays"]}}`)
	must(t, err)
	_, _, err = c.Kubectl(t.Context(), "", "delete", "pod", "-n", "newer-a", "train", "--wait=false")
	must(t, err)
	await.Success(t, patience, "the holder is said to leave", func() (struct{}, error) {
		text, _, err := c.Kubectl(t.Context(), "", "get", "quotaledger", "newer", "-o", "jsonpath={.status.holders[0]}")
		if err == nil && (!strings.Contains(text, " freeBy=") || !strings.HasSuffix(text, " zone=b")) {
			err = fmt.Errorf("the ledger says %s", text)
		}
		return struct{}{}, err
	})
}

const newerTenant = `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: newer}
spec:
  namespaces: [newer-a]
  gpu: {perTenant: 8}
`
