//go:build linux

package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"usher.dev/usher/test/e2e/controlplane"
)

// containerdSocket is where containerd listens, inside the namespaces.
const containerdSocket = "/run/containerd.sock"

// plugins is where Debian's containernetworking-plugins are.
const plugins = "/usr/lib/cni"

// containerdConfig takes a folder, the name of the sandbox's image, where the
// network plugins are and where their configuration is. A process without
// CAP_SYS_RESOURCE may not lower an OOM score.
const containerdConfig = `version = 2
root = "%[1]s/root"
state = "/run/containerd"
oom_score = 0

[grpc]
  address = "` + containerdSocket + `"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "%[2]s"
  restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

# On a node with GPUs, NVIDIA's runtime is behind this name.
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "%[3]s"
  conf_dir = "%[4]s"
`

// networkConfig leads each pod's traffic through the node itself, where kube-proxy's
// rules are: a bridge would pass it from pod to pod below them.
const networkConfig = `{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [{
    "type": "ptp",
    "ipam": {"type": "host-local", "ranges": [[{"subnet": "` + podRange + `"}]], "routes": [{"dst": "0.0.0.0/0"}]}
  }]
}
`

// startContainerd starts containerd and gives it the images.
func startContainerd(ctx context.Context, folder, logFolder string, images []string) (*controlplane.Process, error) {
	networks := filepath.Join(folder, "net.d")
	if err := os.MkdirAll(networks, 0o755); err != nil {
		return nil, err
	}
	configuration := filepath.Join(folder, "containerd.toml")
	for path, content := range map[string]string{
		configuration:                            fmt.Sprintf(containerdConfig, folder, Image, plugins, networks),
		filepath.Join(networks, "pods.conflist"): networkConfig,
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	process, err := controlplane.StartProcess("containerd", filepath.Join(logFolder, "containerd.log"), "containerd", "--config", configuration)
	if err != nil {
		return nil, err
	}
	if err := untilSuccess(ctx, process, func() error { return ctr(ctx, "version") }); err != nil {
		return nil, err
	}
	for _, archive := range images {
		if err := importImage(ctx, archive); err != nil {
			return nil, err
		}
	}
	return process, nil
}

// importImage gives containerd the image in an archive, in the namespace of the
// kubelet's.
func importImage(ctx context.Context, archive string) error {
	if err := ctr(ctx, "--namespace", "k8s.io", "images", "import", archive); err != nil {
		return fmt.Errorf("import %s: %w", archive, err)
	}
	return nil
}

// ctr runs containerd's own command.
func ctr(ctx context.Context, arguments ...string) error {
	arguments = append([]string{"--address", containerdSocket}, arguments...)
	output, err := exec.CommandContext(ctx, "ctr", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ctr: %w: %s", err, output)
	}
	return nil
}

// untilSuccess repeats f until it succeeds, the process ends or ctx does.
func untilSuccess(ctx context.Context, process *controlplane.Process, f func() error) error {
	const pause = 100 * time.Millisecond
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-process.Ended():
			return process.Failure(fmt.Errorf("exited: %w", err))
		case <-ctx.Done():
			return process.Failure(err)
		case <-time.After(pause):
		}
	}
}
