//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/singlenode"
)

// writeKubeconfig writes the administrator's connection by the door.
func writeKubeconfig(c *singlenode.Cluster, path string) error {
	config := c.Config()
	config.Host = "https://" + os.Getenv(addressVariable)
	return controlplane.WriteKubeconfig(path, config)
}

// guide says what to do with the cluster, from the repository's root.
func guide() string {
	folder := filepath.Join(repository.Root(), "bin", "cluster")
	return fmt.Sprintf(`
A cluster of one node with eight GPUs that are not there, and usher's images on it.
In another terminal, in the root of the repository:

    export KUBECONFIG=%[1]s/kubeconfig PATH=%[1]s:$PATH
    kubectl create namespace usher-system
    kubectl label namespace usher-system pod-security.kubernetes.io/enforce=privileged
    helm install usher manifests/chart --namespace usher-system --values test/e2e/singlenode/values.yaml --wait
    kubectl apply -f testdata/install/tenant.yaml
    kubectl wait --for=condition=Ready tenant/research
    kubectl apply -f testdata/install/refused.yaml    # says why not, and what would pass
    kubectl apply -f testdata/install/admitted.yaml   # runs on two GPUs
    kubectl get pods,gpunodes,quotaledgers -A

Ctrl-C here ends the cluster and leaves nothing but its logs.
`, folder)
}
