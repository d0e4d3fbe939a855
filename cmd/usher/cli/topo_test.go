package cli

import (
	"strings"
	"testing"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/gpunode"
)

// gpuCluster serves GPUNodes as an API server does, and returns the kubeconfig
// that leads to it. Without the kind, it serves nothing.
func gpuCluster(t *testing.T, installed bool, nodes []v1alpha1.GPUNode) string {
	t.Helper()
	if !installed {
		return clusterOf(t)
	}
	return clusterOf(t, served[v1alpha1.GPUNode]("GPUNode", "gpunodes", nodes))
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
