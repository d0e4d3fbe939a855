//go:build linux

package node_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"usher.dev/usher/internal/gpunode"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/node"
	"usher.dev/usher/test/e2e/nvplugin"
	"usher.dev/usher/test/e2e/repository"
)

func TestSmoke(t *testing.T) {
	needsNode(t)
	nodes, err := gpunode.Read([]string{filepath.Join(repository.Root(), "testdata/gpunodes/half-nvlinked.yaml")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := nvplugin.NewServer(&nodes[0], nodes[0].Status.Resources[0], node.PluginFolder)
	s.Start()
	defer s.Stop()
	await.Success(t, time.Minute, "plugin", func() (int, error) {
		n, err := shared.allocatable(t.Context(), "nvidia.com/gpu")
		if err == nil && n != 8 {
			err = fmt.Errorf("%d: %v", n, s.Failure())
		}
		return 0, err
	})
	uid, err := shared.createPod(t.Context(), "a", container{resource: "nvidia.com/gpu", size: 2, init: true}, container{resource: "nvidia.com/gpu", size: 1})
	if err != nil {
		t.Fatal(err)
	}
	await.Success(t, time.Minute, "pod", func() (int, error) {
		p, why, err := shared.phase(t.Context(), "a")
		if err == nil && p != "Running" {
			err = fmt.Errorf("%s %s", p, why)
		}
		return 0, err
	})
	fmt.Println(handedOut())
	fmt.Println(checkpoint(map[string]string{uid: "a"}))
	fmt.Println(s.Answers())
	b, err := os.ReadFile("/proc/mounts")
	fmt.Println(len(b), err)
}
