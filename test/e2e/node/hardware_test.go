//go:build linux

package node_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/node"
	"usher.dev/usher/test/e2e/nvplugin"
	"usher.dev/usher/test/e2e/repository"
)

// wholeGPUs is the resource by which GPUs are handed out undivided.
const wholeGPUs = "nvidia.com/gpu"

// machine is one kind of hardware that the node poses as.
type machine struct {
	name string
	// source is where the agent reads it.
	source string
	// shares, if not 0, is into how many each GPU is divided by time-slicing.
	shares int32
}

var machines = []machine{
	{name: "DGX H100", source: "mock:dgxh100"},
	{name: "half of eight GPUs on NVLink bridges", source: captured("half-nvlinked")},
	{name: "A100 with MIG", source: captured("a100-mixed-mig")},
	{name: "DGX H100 in shares", source: "mock:dgxh100", shares: 2},
}

func captured(name string) string {
	return "file:" + filepath.Join(repository.Root(), "testdata", "gpunodes", name+".yaml")
}

// hardware is the GPUs of a machine as the agent sees them, handed out as the
// machine says.
func (m machine) hardware(t *testing.T) *v1alpha1.GPUNode {
	t.Helper()
	hardware := reportOnce(t, m.source)
	if m.shares > 0 {
		for i := range hardware.Status.Resources {
			hardware.Status.Resources[i].Name += ".shared"
			hardware.Status.Resources[i].Replicas = m.shares
		}
	}
	return hardware
}

// startPlugins starts a device plugin for each resource and waits for the kubelet
// to offer them.
func startPlugins(t *testing.T, hardware *v1alpha1.GPUNode) []*nvplugin.Server {
	t.Helper()
	var plugins []*nvplugin.Server
	for _, resource := range hardware.Status.Resources {
		plugin := nvplugin.NewServer(hardware, resource, node.PluginFolder)
		plugin.Start()
		t.Cleanup(plugin.Stop)
		plugins = append(plugins, plugin)
	}
	awaitOffer(t, hardware)
	return plugins
}

// patience is how long anything may take on a busy machine.
const patience = 2 * time.Minute

// awaitOffer waits for the kubelet to offer all devices.
func awaitOffer(t *testing.T, hardware *v1alpha1.GPUNode) {
	t.Helper()
	for _, resource := range hardware.Status.Resources {
		awaitOffered(t, resource.Name, len(resource.Devices)*int(resource.Replicas))
	}
}

func awaitOffered(t *testing.T, resource string, want int) {
	t.Helper()
	await.Success(t, patience, fmt.Sprintf("the kubelet offers %d %s", want, resource), func() (any, error) {
		offered, err := shared.allocatable(t.Context(), resource)
		if err == nil && offered != int64(want) {
			err = fmt.Errorf("it offers %d", offered)
		}
		return nil, err
	})
}
