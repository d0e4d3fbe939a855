//go:build linux

package singlenode

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/node"
	"usher.dev/usher/test/e2e/nvplugin"
)

// startPlugins starts a device plugin for each resource of a mocked machine, as
// NVIDIA's would be on a node with GPUs. It hands out what the agent reports.
func (c *Cluster) startPlugins(ctx context.Context, source string) error {
	output, err := exec.CommandContext(ctx, filepath.Join(c.folder, "usher-agent"), "--once", "--source", source, "--node-name", NodeName).Output()
	if err != nil {
		return fmt.Errorf("ask usher-agent for the GPUs of %s: %w", source, err)
	}
	hardware := &v1alpha1.GPUNode{}
	if err := yaml.UnmarshalStrict(output, hardware); err != nil {
		return err
	}
	for _, resource := range hardware.Status.Resources {
		plugin := nvplugin.NewServer(hardware, resource, node.PluginFolder)
		plugin.Start()
		c.plugins = append(c.plugins, plugin)
	}
	return nil
}
