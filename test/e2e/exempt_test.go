package e2e

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/test/e2e/webhook"
)

// privileged is a pod that policies deny in every namespace that is judged, of a
// tenant or not.
const privileged = `
apiVersion: v1
kind: Pod
metadata: {generateName: privileged-, namespace: %s}
spec:
  tolerations: [{key: tenant, operator: Exists}]
  containers:
    - name: app
      image: app:1
      env: [{name: NVIDIA_VISIBLE_DEVICES, value: all}]
      resources: {limits: {cpu: "1000"}}
      securityContext: {privileged: true}
`

func TestExemptNamespacesAreNotJudged(t *testing.T) {
	for _, namespace := range []string{"kube-system", "kube-node-lease", webhook.Namespace} {
		t.Run(namespace, func(t *testing.T) {
			pod, err := shared.admin(t).create(t.Context(), pods, decode(t, fmt.Sprintf(privileged, namespace)))
			if err != nil {
				t.Fatal(err)
			}
			container := podOf(t, podKinds[0], pod)["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
			if _, defaulted := container["resources"].(map[string]any)["limits"].(map[string]any)["memory"]; defaulted {
				t.Errorf("usher changed a pod in %s: %v", namespace, container["resources"])
			}
		})
	}
}

func TestOtherNamespacesAreJudged(t *testing.T) {
	for _, namespace := range []string{"default", "kube-public"} {
		t.Run(namespace, func(t *testing.T) {
			_, err := shared.admin(t).create(t.Context(), pods, decode(t, fmt.Sprintf(privileged, namespace)))
			if err := expectDenial(err); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNoLabelLeadsOut gives a tenant's namespace labels by which clusters exempt
// namespaces. Those that mean nothing to usher change nothing; those that do are
// not for a developer to set.
func TestNoLabelLeadsOut(t *testing.T) {
	namespace, u := shared.namespace(t, "escape", "tenant-a"), shared.as(t, developer)
	for _, label := range []struct {
		patch   string
		refused bool
	}{
		{`{"kubernetes.io/metadata.name": "kube-system"}`, false},
		{`{"kubernetes.io/metadata.name": null}`, false},
		{`{"usher.dev/exempt": "true", "control-plane": "true"}`, false},
		{`{"policy.usher.dev/pod_security": "off"}`, true},
		{`{"tenant": null}`, true},
		{`{"tenant": ""}`, true},
		{`{"pod-security.kubernetes.io/enforce": "privileged"}`, true},
	} {
		for _, subresources := range [][]string{nil, {"status"}} {
			_, err := u.Resource(namespaces).Patch(t.Context(), namespace, types.MergePatchType,
				[]byte(`{"metadata": {"labels": `+label.patch+`}}`), metav1.PatchOptions{}, subresources...)
			if label.refused {
				err = expectDenial(err)
			}
			if err != nil {
				t.Errorf("the labels %s through %v: %v", label.patch, subresources, err)
			}
			_, err = u.create(t.Context(), pods, decode(t, fmt.Sprintf(privileged, namespace)))
			if err := expectDenial(err); err != nil {
				t.Errorf("after the labels %s a privileged pod %v", label.patch, err)
			}
		}
	}
	// Nothing of it takes effect later either, when usher's watch has caught up.
	stored, err := shared.admin(t).Resource(namespaces).Get(t.Context(), namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"kubernetes.io/metadata.name":        namespace,
		"tenant":                             "tenant-a",
		"pod-security.kubernetes.io/enforce": "restricted",
		"policy.usher.dev/pod_security":      "",
	} {
		if got := stored.GetLabels()[key]; got != want {
			t.Errorf("the label %s is %q, want %q", key, got, want)
		}
	}
}

// TestNoNameLeadsOut makes namespaces that look like exempt ones.
func TestNoNameLeadsOut(t *testing.T) {
	maker := shared.as(t, "namespace-maker")
	for _, manifest := range []string{
		`{apiVersion: v1, kind: Namespace, metadata: {name: kube-system-2}}`,
		`{apiVersion: v1, kind: Namespace, metadata: {name: lookalike, labels: {kubernetes.io/metadata.name: kube-system}}}`,
		`{apiVersion: v1, kind: Namespace, metadata: {generateName: kube-system-, labels: {kubernetes.io/metadata.name: kube-system}}}`,
	} {
		t.Run(manifest, func(t *testing.T) {
			namespace, err := maker.create(t.Context(), namespaces, decode(t, manifest))
			if err != nil {
				t.Fatal(err)
			}
			_, err = shared.admin(t).create(t.Context(), pods, decode(t, fmt.Sprintf(privileged, namespace.GetName())))
			if err := expectDenial(err); err != nil {
				t.Errorf("a privileged pod in %s %v", namespace.GetName(), err)
			}
		})
	}
	t.Run("a tenant's label on a namespace whose name is still to be generated", func(t *testing.T) {
		_, err := maker.create(t.Context(), namespaces, decode(t,
			`{apiVersion: v1, kind: Namespace, metadata: {generateName: kube-system-, labels: {kubernetes.io/metadata.name: kube-system, tenant: tenant-b}}}`))
		if err := expectDenial(err); err != nil {
			t.Errorf("the namespace %v", err)
		}
	})
}
