//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/singlenode"
)

// clusterFolder is where the cluster's programs, logs and kubeconfig are.
func clusterFolder() string { return filepath.Join(repository.Root(), "bin", "cluster") }

// writeKubeconfig writes the administrator's connection by the door.
func writeKubeconfig(c *singlenode.Cluster, path string) error {
	config := c.Config()
	config.Host = "https://" + os.Getenv(addressVariable)
	return controlplane.WriteKubeconfig(path, config)
}

// commands are what to type next, in the repository's root; docs/install.md says the
// same.
var commands = []string{
	"export KUBECONFIG=$PWD/bin/cluster/kubeconfig PATH=$PWD/bin/cluster:$PATH",
	"kubectl create namespace usher-system",
	"kubectl label namespace usher-system pod-security.kubernetes.io/enforce=privileged",
	"helm install usher manifests/chart --namespace usher-system --values test/e2e/singlenode/values.yaml --wait",
	"kubectl apply -f testdata/install/tenant.yaml",
	"kubectl wait --for=condition=Ready tenant/research",
	"kubectl apply -f testdata/install/refused.yaml",
	"kubectl apply -f testdata/install/admitted.yaml",
	"kubectl get pods,gpunodes,quotaledgers -A",
	"helm uninstall usher --namespace usher-system",
}

// guide says what to do with the cluster.
func guide() string {
	return `
A cluster of one node with eight GPUs that are not there, and usher's images on it.
In another terminal, in the root of the repository:

    ` + strings.Join(commands, "\n    ") + `

Ctrl-C here ends the cluster and leaves nothing but its logs: docs/install.md.
`
}
