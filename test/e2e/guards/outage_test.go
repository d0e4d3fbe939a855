package guards

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/test/e2e/await"
)

// TestWhileTheWebhookIsDown shows that nothing is weakened then, and that neither
// the platform nor Kubernetes itself waits for it.
func TestWhileTheWebhookIsDown(t *testing.T) {
	const namespace = "outage"
	shared.tenant(t, namespace)
	shared.usher.Kill()
	defer func() {
		if err := shared.usher.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}()

	t.Run("what is managed stays", func(t *testing.T) {
		boss := shared.boss(t)
		before := shared.snapshot(t, namespace)
		for _, kind := range managedKinds {
			for _, object := range shared.managed(t, namespace, kind) {
				client := boss.Resource(kind.resource).Namespace(namespace)
				_, patched := client.Patch(t.Context(), object.GetName(), types.MergePatchType, []byte(kind.weaker), metav1.PatchOptions{})
				for deed, err := range map[string]error{
					"delete": client.Delete(t.Context(), object.GetName(), metav1.DeleteOptions{}),
					"patch":  patched,
				} {
					if err == nil || !strings.Contains(err.Error(), `failed calling webhook "`) {
						t.Errorf("%s %s %s: %v", deed, object.GetKind(), object.GetName(), orDone(err))
					}
				}
			}
		}
		err := boss.Resource(namespaces).Delete(t.Context(), namespace, metav1.DeleteOptions{})
		if err == nil || !strings.Contains(err.Error(), "failed calling webhook") {
			t.Errorf("the namespace: %v", orDone(err))
		}
		if after := shared.snapshot(t, namespace); fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("what is managed was\n%v\nand is\n%v", before, after)
		}
	})
	t.Run("finalizers go", func(t *testing.T) {
		quota := shared.admin.Resource(quotas).Namespace(namespace)
		name := namespace + "-quota"
		if _, err := quota.Patch(t.Context(), name, types.MergePatchType, []byte(`{"metadata": {"finalizers": ["example.com/keep"]}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		boss := shared.boss(t).Resource(quotas).Namespace(namespace)
		if _, err := boss.Patch(t.Context(), name, types.MergePatchType, []byte(`{"metadata": {"finalizers": null}}`), metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("quotas are counted", func(t *testing.T) {
		object := decode(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: counted}}`)
		if _, err := shared.boss(t).Resource(configMaps).Namespace(namespace).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		await.Success(t, patience, "the quota counts it", func() (struct{}, error) {
			used, err := used(t, namespace, namespace+"-quota", "configmaps")
			if err == nil && used != "1" {
				err = fmt.Errorf("used %q", used)
			}
			return struct{}{}, err
		})
		if err := shared.boss(t).Resource(configMaps).Namespace(namespace).Delete(t.Context(), "counted", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		await.Success(t, patience, "the quota controller counts it off", func() (struct{}, error) {
			used, err := used(t, namespace, namespace+"-quota", "configmaps")
			if err == nil && used != "0" {
				err = fmt.Errorf("used %q", used)
			}
			return struct{}{}, err
		})
	})
	t.Run("the tenant's plain services go on", func(t *testing.T) {
		object := decode(t, `{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 443}]}}`)
		if _, err := shared.boss(t).Resource(services).Namespace(namespace).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("the platform repairs", func(t *testing.T) {
		client := shared.admin.Resource(limitRanges).Namespace(namespace)
		name := namespace + "-limits"
		old, err := client.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		await.Success(t, patience, "usher-controller makes it again", func() (struct{}, error) {
			made, err := client.Get(t.Context(), name, metav1.GetOptions{})
			if err == nil && made.GetUID() == old.GetUID() {
				err = errors.New("it is still the old one")
			}
			return struct{}{}, err
		})
	})
	t.Run("tenants keep what they claim", func(t *testing.T) {
		client := shared.admin.Resource(tenants)
		_, err := client.Patch(t.Context(), namespace, types.MergePatchType, []byte(`{"spec": {"namespaces": ["other"]}}`), metav1.PatchOptions{})
		if err == nil || !strings.Contains(err.Error(), `failed calling webhook "validate.usher.dev"`) {
			t.Errorf("a claim: %v", orDone(err))
		}
		if _, err := client.Patch(t.Context(), namespace, types.MergePatchType, []byte(`{"metadata": {"labels": {"team": "vision"}}}`), metav1.PatchOptions{}); err != nil {
			t.Error("a label:", err)
		}
	})
	t.Run("the platform deletes a namespace, and all in it", func(t *testing.T) {
		deleteNamespace(t, namespace)
	})
}

// TestThePlatformDeletesATenantsNamespace shows it while usher is there.
func TestThePlatformDeletesATenantsNamespace(t *testing.T) {
	const namespace = "deleted"
	shared.tenant(t, namespace)
	deleteNamespace(t, namespace)
}

func deleteNamespace(t *testing.T, namespace string) {
	t.Helper()
	if err := shared.admin.Resource(namespaces).Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	old, err := shared.admin.Resource(namespaces).Get(t.Context(), namespace, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	await.Success(t, patience, "the namespace is gone", func() (struct{}, error) {
		// usher-controller may make it again at once.
		ns, err := shared.admin.Resource(namespaces).Get(t.Context(), namespace, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return struct{}{}, nil
		}
		if err == nil && ns.GetUID() == old.GetUID() {
			err = fmt.Errorf("it is still there: %v", ns.Object["status"])
		}
		return struct{}{}, err
	})
}

func used(t *testing.T, namespace, name, resource string) (string, error) {
	t.Helper()
	quota, err := shared.admin.Resource(quotas).Namespace(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	used, _, err := unstructured.NestedString(quota.Object, "status", "used", resource)
	return used, err
}
