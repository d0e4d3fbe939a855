package e2e

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/test/e2e/webhook"
)

// TestColdStart loses the whole control plane and usher at once, with usher
// registered as a webhook that must not be passed by.
func TestColdStart(t *testing.T) {
	c, err := startCluster(t.Context(), t.TempDir(), binaries{webhook: built.webhook})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.release)
	namespace := c.namespace(t, "cold", "tenant-a")
	doomed := c.namespace(t, "doomed", "tenant-a")
	guarded := newObject(t, podKinds[0], namespace, "guarded")
	guarded.SetFinalizers([]string{"e2e.usher.dev/wait"})
	eventually(t, "usher admits a clean pod", func() (*unstructured.Unstructured, error) {
		return c.as(t, developer).create(t.Context(), pods, guarded)
	})

	c.installAgents(t)
	owner := c.node(t, "reporting")
	agent := c.agent(t, "reporting")
	agent.report(t, owner)

	c.usher.Kill()
	c.Kill()
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}

	t.Run("what the cluster needs to start does not wait for usher", func(t *testing.T) { checkSystemStarts(t, c) })
	t.Run("what was admitted already is scheduled and cleaned up", func(t *testing.T) {
		developers := c.as(t, developer).Resource(pods).Namespace(namespace)
		binding := decode(t, `{apiVersion: v1, kind: Binding, metadata: {name: guarded, namespace: cold}, target: {kind: Node, name: node-1}}`)
		if _, err := c.as(t, "system:kube-scheduler").create(t.Context(), pods, binding, "binding"); err != nil {
			t.Error(err)
		}
		if err := developers.Delete(t.Context(), "guarded", metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
			t.Fatal(err)
		}
		if _, err := developers.Patch(t.Context(), "guarded", types.MergePatchType, []byte(`{"metadata": {"finalizers": null}}`), metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("a namespace can be deleted", func(t *testing.T) {
		client := c.admin(t).Resource(namespaces)
		if err := client.Delete(t.Context(), doomed, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		// What the namespace controller does in the end.
		object, err := client.Get(t.Context(), doomed, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		set(t, object.Object, []any{}, "spec", "finalizers")
		if _, err := c.admin(t).update(t.Context(), namespaces, object, "finalize"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a tenant's pod is refused, and why", func(t *testing.T) {
		_, err := c.as(t, developer).create(t.Context(), pods, newObject(t, podKinds[0], namespace, "too-early"))
		if err == nil {
			t.Fatal("a pod was admitted unjudged")
		}
		for _, want := range []string{`failed calling webhook "mutate.usher.dev"`, "connection refused"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %s", err, want)
			}
		}
	})

	t.Run("a report is refused, and why", func(t *testing.T) {
		err := agent.patchGPUNode(t, "reporting", `{"status": {"sequence": 8}}`, "status")
		if err == nil || !strings.Contains(err.Error(), `failed calling webhook "validate.usher.dev"`) {
			t.Errorf("the answer was: %v", orAdmitted(err))
		}
	})

	back := time.Now()
	if err := c.usher.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.as(t, developer).create(t.Context(), pods, newObject(t, podKinds[0], namespace, "in-time")); err != nil {
		t.Errorf("usher is ready again, but: %v", err)
	}
	if err := agent.patchGPUNode(t, "reporting", `{"status": {"sequence": 8}}`, "status"); err != nil {
		t.Errorf("usher is ready again, but the agent's next report: %v", err)
	}
	violating := newObject(t, podKinds[0], namespace, "violating")
	set(t, violating.Object, true, "spec", "hostNetwork")
	_, err = c.as(t, developer).create(t.Context(), pods, violating)
	if err := expectDenial(err); err != nil {
		t.Errorf("usher is ready again, but a violating pod %v", err)
	}
	t.Logf("usher was back after %s", time.Since(back).Round(time.Millisecond))
}

// TestControlPlaneRestart loses the control plane alone: usher goes on by itself.
func TestControlPlaneRestart(t *testing.T) {
	c, err := startCluster(t.Context(), t.TempDir(), binaries{webhook: built.webhook})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.release)
	c.Kill()
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	namespace := c.namespace(t, "restart", "tenant-b")
	eventually(t, "usher knows of a namespace that is new since", func() (struct{}, error) {
		pod := newObject(t, podKinds[0], namespace, "foreign")
		_, err := c.as(t, developer).create(t.Context(), pods, pod)
		return struct{}{}, expectDenial(err)
	})
	select {
	case <-c.usher.Process.Ended():
		t.Error("usher ended when the control plane did")
	default:
	}
}

// checkSystemStarts does what components do before usher can run.
func checkSystemStarts(t *testing.T, c *cluster) {
	admin := c.admin(t)
	for _, object := range []struct {
		resource schema.GroupVersionResource
		manifest string
	}{
		{pods, `{apiVersion: v1, kind: Pod, metadata: {name: dns, namespace: kube-system}, spec: {hostNetwork: true, containers: [{name: dns, image: "dns:1"}]}}`},
		{pods, `{apiVersion: v1, kind: Pod, metadata: {name: usher, namespace: usher-system}, spec: {containers: [{name: usher, image: "usher:1"}]}}`},
		{
			schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "daemonsets"},
			`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: proxy, namespace: kube-system}, spec: {selector: {matchLabels: {app: proxy}}, template: {metadata: {labels: {app: proxy}}, spec: {containers: [{name: proxy, image: "proxy:1"}]}}}}`,
		},
		{schema.GroupVersionResource{Version: "v1", Resource: "nodes"}, `{apiVersion: v1, kind: Node, metadata: {name: node-1}}`},
		{
			schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
			`{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: node-1, namespace: kube-node-lease}}`,
		},
		{schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, `{apiVersion: v1, kind: Secret, metadata: {name: usher-webhook-tls, namespace: usher-system}}`},
		{schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, `{apiVersion: v1, kind: ConfigMap, metadata: {name: anything, namespace: cold}}`},
	} {
		if _, err := admin.create(t.Context(), object.resource, decode(t, object.manifest)); err != nil {
			t.Error(err)
		}
	}
	binding := decode(t, `{apiVersion: v1, kind: Binding, metadata: {name: usher, namespace: usher-system}, target: {kind: Node, name: node-1}}`)
	if _, err := c.as(t, "system:kube-scheduler").create(t.Context(), pods, binding, "binding"); err != nil {
		t.Error(err)
	}
	if _, err := admin.Resource(namespaces).Patch(t.Context(), webhook.Namespace, types.MergePatchType, []byte(`{"metadata": {"labels": {"seen": "yes"}}}`), metav1.PatchOptions{}); err != nil {
		t.Error(err)
	}
}
