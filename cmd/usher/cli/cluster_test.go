package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// resource is a kind of usher's and the objects of it that a cluster has.
type resource struct {
	kind, plural string
	names        []string
	objects      []any
}

func served[T any, P interface {
	*T
	client.Object
}](kind, plural string, objects []T,
) resource {
	r := resource{kind: kind, plural: plural, objects: []any{}}
	for i := range objects {
		r.names, r.objects = append(r.names, P(&objects[i]).GetName()), append(r.objects, &objects[i])
	}
	return r
}

// clusterOf serves these resources as an API server does, and returns the
// kubeconfig that leads to it.
func clusterOf(t *testing.T, resources ...resource) string {
	t.Helper()
	const version = "usher.dev/v1alpha1"
	answers := map[string]any{"/api": metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}}
	groups := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	if len(resources) > 0 {
		groups.Groups = []metav1.APIGroup{{
			TypeMeta: metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"},
			Name:     v1alpha1.GroupVersion.Group, Versions: []metav1.GroupVersionForDiscovery{{GroupVersion: version, Version: "v1alpha1"}},
		}}
		list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: version}
		for _, r := range resources {
			list.APIResources = append(list.APIResources, metav1.APIResource{Name: r.plural, Kind: r.kind, Verbs: metav1.Verbs{"get", "list"}})
			collection := "/apis/" + version + "/" + r.plural
			answers[collection] = map[string]any{"apiVersion": version, "kind": r.kind + "List", "metadata": map[string]any{}, "items": r.objects}
			for i, name := range r.names {
				answers[collection+"/"+name] = r.objects[i]
			}
		}
		answers["/apis/"+version] = list
	}
	answers["/apis"] = groups
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		w.Header().Set("Content-Type", "application/json")
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: 404}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("{apiVersion: v1, kind: Config, current-context: test, clusters: [{name: c, cluster: {server: %q}}], contexts: [{name: test, context: {cluster: c, user: u}}], users: [{name: u, user: {}}]}", server.URL)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig
}
