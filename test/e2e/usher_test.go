package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/controlplane"
)

const (
	usherNamespace = "usher-system"
	usherName      = "usher-webhook"
)

// usher is one replica of the webhook, outside the cluster. It reads the
// cluster as the service account that the manifests make, with the
// configuration that they ship.
type usher struct {
	folder    string
	binary    string
	port      *controlplane.Port
	probePort *controlplane.Port
	authority *controlplane.Authority
	process   *controlplane.Process
	// arguments are those of the Deployment, with what is where it is here.
	arguments []string
}

// newUsher prepares what the webhook needs to run; manifests are those that are
// applied already.
func newUsher(ctx context.Context, c *cluster, folder, binary string, manifests []*unstructured.Unstructured) (*usher, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	u := &usher{folder: folder, binary: binary}
	var err error
	for _, port := range []**controlplane.Port{&u.port, &u.probePort} {
		if *port, err = controlplane.ReservePort(); err != nil {
			return nil, err
		}
	}
	if u.authority, err = controlplane.NewAuthority("usher"); err != nil {
		return nil, err
	}
	serving, err := u.authority.Serving()
	if err != nil {
		return nil, err
	}
	if _, _, err := serving.Write(folder, "tls.crt", "tls.key"); err != nil {
		return nil, err
	}
	container, err := deployedContainer(manifests)
	if err != nil {
		return nil, err
	}
	here := strings.NewReplacer(
		":9443", u.port.Address(),
		":8081", u.probePort.Address(),
		"/etc/usher/tls", folder,
		"/etc/usher/config", folder,
	)
	for _, argument := range container.Args {
		u.arguments = append(u.arguments, here.Replace(argument))
	}
	u.arguments = append(u.arguments, "--kubeconfig="+u.path("kubeconfig"), "--client-ca-file="+u.path("client-ca.crt"))
	configuration, err := shippedConfiguration(manifests)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(u.path("config.yaml"), []byte(configuration), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(u.path("client-ca.crt"), c.ClientAuthority().PEM, 0o600); err != nil {
		return nil, err
	}
	return u, u.writeKubeconfig(ctx, c)
}

// writeKubeconfig writes a kubeconfig with a token of the webhook's service account.
func (u *usher) writeKubeconfig(ctx context.Context, c *cluster) error {
	config, err := c.AsServiceAccount(ctx, usherNamespace, usherName)
	if err != nil {
		return err
	}
	return controlplane.WriteKubeconfig(u.path("kubeconfig"), config)
}

// start starts the webhook and waits until it is ready.
func (u *usher) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var err error
	u.process, err = controlplane.StartProcess(usherName, u.path("usher-webhook.log"), u.binary, u.arguments...)
	if err != nil {
		return err
	}
	return u.process.WaitReady(ctx, http.DefaultClient, u.probe("/readyz"))
}

// probe returns the address of a probe.
func (u *usher) probe(path string) string { return "http://" + u.probePort.Address() + path }

// kill ends the webhook as a crash would.
func (u *usher) kill() { u.process.Kill() }

func (u *usher) release() {
	if u == nil {
		return
	}
	u.kill()
	u.port.Release()
	u.probePort.Release()
}

// post sends an AdmissionReview to the webhook itself, with the client
// certificates given.
func (u *usher) post(ctx context.Context, path string, certificates ...tls.Certificate) (*http.Response, error) {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs:      u.authority.Pool(),
		Certificates: certificates,
		MinVersion:   tls.VersionTLS12,
	}}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.url(path), http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	return client.Do(request)
}

func (u *usher) url(path string) string { return fmt.Sprintf("https://%s%s", u.port.Address(), path) }

func (u *usher) path(name string) string { return filepath.Join(u.folder, name) }
