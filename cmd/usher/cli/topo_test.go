package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/gpunode"
)

// gpuCluster serves the sample GPUNodes as an API server does, and returns the
// kubeconfig that leads to it. Without the kind, it serves nothing.
func gpuCluster(t *testing.T, installed bool, nodes []v1alpha1.GPUNode) string {
	t.Helper()
	answer := func(w http.ResponseWriter, code int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			t.Error(err)
		}
	}
	group := metav1.APIGroup{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"},
		Name:     "usher.dev", Versions: []metav1.GroupVersionForDiscovery{{GroupVersion: "usher.dev/v1alpha1", Version: "v1alpha1"}},
	}
	list := v1alpha1.GPUNodeList{TypeMeta: metav1.TypeMeta{Kind: "GPUNodeList", APIVersion: "usher.dev/v1alpha1"}, Items: nodes}
	const collection = "/apis/usher.dev/v1alpha1/gpunodes"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/api":
			answer(w, 200, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
		case path == "/apis" && installed:
			answer(w, 200, metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: []metav1.APIGroup{group}})
		case path == "/apis":
			answer(w, 200, metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}})
		case path == "/apis/usher.dev/v1alpha1" && installed:
			answer(w, 200, metav1.APIResourceList{
				TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: "usher.dev/v1alpha1",
				APIResources: []metav1.APIResource{{Name: "gpunodes", Kind: "GPUNode", Verbs: metav1.Verbs{"get", "list"}}},
			})
		case path == collection && installed:
			answer(w, 200, list)
		default:
			for _, n := range nodes {
				if path == collection+"/"+n.Name && installed {
					answer(w, 200, n)
					return
				}
			}
			answer(w, 404, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: 404})
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

func TestTopoOfACluster(t *testing.T) {
	const folder = "../../../testdata/gpunodes"
	nodes, err := gpunode.Read([]string{folder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := gpuCluster(t, true, nodes)
	for _, tt := range []struct {
		name           string
		cluster, files []string
	}{
		{"all nodes", nil, []string{"-f", folder}},
		{"those that are named", []string{"pcie-only", "dgx-a100"}, []string{"-f", folder + "/pcie-only.yaml", "-f", folder + "/dgx-a100.yaml"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := usher(t, "", append([]string{"topo", "--kubeconfig", kubeconfig, "--context", "test"}, tt.cluster...)...)
			wantCode, want, _ := usher(t, "", append([]string{"topo"}, tt.files...)...)
			if code != wantCode || stdout != want || stderr != "" {
				t.Errorf("exit %d, want %d\n%s\n%s\nof the files:\n%s", code, wantCode, stderr, stdout, want)
			}
		})
	}
}

func TestTopoOfAClusterThatLacksIt(t *testing.T) {
	for _, tt := range []struct {
		name      string
		installed bool
		node      string
		want      string
	}{
		{"no such node", true, "node-9", "usher: there is no GPUNode node-9; does usher-agent run on that node?\n"},
		{"no node at all", true, "", "usher: the cluster has no GPUNode; usher-agent makes one for its node\n"},
		{"no such kind", false, "", "usher: list GPUNodes: the cluster does not know GPUNodes; install usher's CRDs (manifests/crd)\n"},
		{"no such kind, by name", false, "node-1", "usher: get GPUNode node-1: the cluster does not know GPUNodes; install usher's CRDs (manifests/crd)\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"topo", "--kubeconfig", gpuCluster(t, tt.installed, nil)}
			if tt.node != "" {
				args = append(args, tt.node)
			}
			if code, stdout, stderr := usher(t, "", args...); code != 2 || stdout != "" || stderr != tt.want {
				t.Errorf("exit %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

func TestTopoOfStandardInput(t *testing.T) {
	code, stdout, stderr := usher(t, "apiVersion: usher.dev/v1alpha1\nkind: GPUNode\nmetadata: {name: new}\n", "topo", "-f", "-")
	if code != 1 || !strings.HasPrefix(stdout, "new: no GPUs\nnot ready: NoReport: ") || stderr != "" {
		t.Errorf("exit %d\n%s\n%s", code, stdout, stderr)
	}
}
