package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// kubectlTimeout bounds one kubectl command.
const kubectlTimeout = time.Minute

// Kubectl runs kubectl as the cluster's administrator, with stdin, and returns
// what it printed. The error of a failed command holds what it complained of.
func (c *ControlPlane) Kubectl(ctx context.Context, stdin string, arguments ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, kubectlTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, c.programs.Path("kubectl"), append([]string{"--kubeconfig", c.kubeconfig}, arguments...)...)
	var out, complaints bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &out, &complaints
	// Discovery is cached per folder; that of another cluster is of no use.
	command.Env = append(command.Environ(), "KUBECACHEDIR="+c.path("kubectl-cache"))
	if err = command.Run(); err != nil {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(arguments, " "), err, complaints.String())
	}
	return out.String(), complaints.String(), err
}

// WriteKubeconfig writes a connection as the file that kubectl and other clients read.
func WriteKubeconfig(path string, config *rest.Config) error {
	const name = "e2e"
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	kubeconfig.AuthInfos[name] = &clientcmdapi.AuthInfo{
		ClientCertificateData: config.CertData,
		ClientKeyData:         config.KeyData,
		Token:                 config.BearerToken,
	}
	kubeconfig.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	kubeconfig.CurrentContext = name
	return clientcmd.WriteToFile(*kubeconfig, path)
}
