package chart

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/repository"
)

const chart = "manifests/chart"

// helmRun runs helm as the administrator.
func helmRun(t testing.TB, arguments ...string) (code int, output string) {
	t.Helper()
	folder := t.TempDir()
	return execute(t, helm, []string{
		"HELM_NO_PLUGINS=1", "HELM_CONFIG_HOME=" + folder, "HELM_DATA_HOME=" + folder, "HELM_CACHE_HOME=" + folder,
	}, append(arguments, "--kubeconfig", kubeconfig(t), "-n", namespace)...)
}

// helmDoes is helmRun where it has to succeed.
func helmDoes(t testing.TB, arguments ...string) string {
	t.Helper()
	code, output := helmRun(t, arguments...)
	if code != 0 {
		t.Fatalf("helm %s: exit %d\n%s", strings.Join(arguments, " "), code, output)
	}
	return output
}

// rendered are the objects of the release without its hooks.
func rendered(t testing.TB, arguments ...string) []*unstructured.Unstructured {
	t.Helper()
	all, err := repository.Decode([]byte(helmDoes(t, append([]string{"template", "usher", chart, "--no-hooks"}, arguments...)...)))
	must(t, err)
	return all
}

// versions are the resource versions of objects in the cluster; "" of those that
// are not there.
func versions(t testing.TB, objects []*unstructured.Unstructured) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, o := range objects {
		key := o.GetKind() + " " + o.GetName()
		found[key] = kubectl(t, "get", resource(o), o.GetName(), "-n", namespace, "--ignore-not-found", "-o", "jsonpath={.metadata.resourceVersion}")
	}
	return found
}

// resource is how kubectl is told of a kind, group and all.
func resource(o *unstructured.Unstructured) string {
	gvk := o.GroupVersionKind()
	if gvk.Group == "" {
		return gvk.Kind
	}
	return fmt.Sprintf("%s.%s.%s", gvk.Kind, gvk.Version, gvk.Group)
}

// present are the kinds and names of the objects that are in the cluster.
func present(t testing.TB, objects []*unstructured.Unstructured) []string {
	t.Helper()
	var names []string
	for key, version := range versions(t, objects) {
		if version != "" {
			names = append(names, key)
		}
	}
	slices.Sort(names)
	return names
}
