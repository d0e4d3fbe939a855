// Package webhook runs usher-webhook outside the cluster that it judges, with the
// arguments, the configuration and the rights that its manifests give it.
package webhook

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
	"usher.dev/usher/test/e2e/repository"
)

// Namespace and Name are those of the webhook's Deployment and service account.
const (
	Namespace = "usher-system"
	Name      = "usher-webhook"
)

// Replica is one replica of the webhook, outside the cluster. It reads the
// cluster as the service account that the manifests make, with the
// configuration that they ship.
type Replica struct {
	// Folder holds the files that it reads and its log.
	Folder string
	// Port is where it serves, with a certificate of Authority.
	Port      *controlplane.Port
	Authority *controlplane.Authority
	// Process is the last that was started.
	Process *controlplane.Process

	binary    string
	probePort *controlplane.Port
	// arguments are those of the Deployment, with what is where it is here.
	arguments []string
}

// New prepares what the webhook needs to run; manifests are those that are
// applied already. Its certificate is for the loopback address, and for further
// names and addresses under which clients come.
func New(ctx context.Context, plane *controlplane.ControlPlane, folder, binary string, manifests []*unstructured.Unstructured, names ...string) (*Replica, error) {
	r, err := NewMounted(ctx, plane, folder, binary, manifests, folder)
	if err != nil {
		return nil, err
	}
	// The certificate is not the Service's. An older version checks no name.
	for i, argument := range r.arguments {
		if strings.HasPrefix(argument, "--cert-name=") {
			r.arguments[i] = "--cert-name=localhost"
		}
	}
	authority, err := controlplane.NewAuthority("usher")
	if err != nil {
		return nil, err
	}
	return r, r.ServeBy(authority, names...)
}

// ServeBy gives the webhook a certificate of an authority, for the loopback address
// and further names and addresses.
func (r *Replica) ServeBy(authority *controlplane.Authority, names ...string) error {
	serving, err := authority.Serving(names...)
	if err != nil {
		return err
	}
	r.Authority = authority
	_, _, err = serving.Write(r.Folder, "tls.crt", "tls.key")
	return err
}

// NewMounted prepares a webhook whose certificate, the Service's, somebody else keeps
// in a folder.
func NewMounted(ctx context.Context, plane *controlplane.ControlPlane, folder, binary string, manifests []*unstructured.Unstructured, certificates string) (*Replica, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	r := &Replica{Folder: folder, binary: binary}
	var err error
	for _, port := range []**controlplane.Port{&r.Port, &r.probePort} {
		if *port, err = controlplane.ReservePort(); err != nil {
			return nil, err
		}
	}
	container, err := repository.DeployedContainer(manifests, Name)
	if err != nil {
		return nil, err
	}
	here := strings.NewReplacer(
		":9443", r.Port.Address(),
		":8081", r.probePort.Address(),
		"/etc/usher/tls", certificates,
		"/etc/usher/config", folder,
		"$(POD_NAMESPACE)", Namespace,
	)
	for _, argument := range container.Args {
		r.arguments = append(r.arguments, here.Replace(argument))
	}
	r.arguments = append(r.arguments, "--kubeconfig="+r.Path("kubeconfig"), "--client-ca-file="+r.Path("client-ca.crt"))
	configuration, err := repository.ShippedConfiguration(manifests)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(r.Path("config.yaml"), []byte(configuration), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(r.Path("client-ca.crt"), plane.ClientAuthority().PEM, 0o600); err != nil {
		return nil, err
	}
	return r, r.writeKubeconfig(ctx, plane)
}

// writeKubeconfig writes a kubeconfig with a token of the webhook's service account.
func (r *Replica) writeKubeconfig(ctx context.Context, plane *controlplane.ControlPlane) error {
	config, err := plane.AsServiceAccount(ctx, Namespace, Name, nil)
	if err != nil {
		return err
	}
	return controlplane.WriteKubeconfig(r.Path("kubeconfig"), config)
}

// AddFlags adds flags after those that the webhook has.
func (r *Replica) AddFlags(flags ...string) { r.arguments = append(r.arguments, flags...) }

// Start starts the webhook and waits until it is ready.
func (r *Replica) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var err error
	r.Process, err = controlplane.StartProcess(Name, r.Path("usher-webhook.log"), r.binary, r.arguments...)
	if err != nil {
		return err
	}
	return r.Process.WaitReady(ctx, http.DefaultClient, r.Probe("/readyz"))
}

// Probe returns the address of a probe.
func (r *Replica) Probe(path string) string { return "http://" + r.probePort.Address() + path }

// Kill ends the webhook as a crash would.
func (r *Replica) Kill() { r.Process.Kill() }

// Release ends the webhook and gives its ports away.
func (r *Replica) Release() {
	if r == nil {
		return
	}
	r.Kill()
	r.Port.Release()
	r.probePort.Release()
}

// Post sends an AdmissionReview to the webhook itself, with the client
// certificates given.
func (r *Replica) Post(ctx context.Context, path string, certificates ...tls.Certificate) (*http.Response, error) {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs:      r.Authority.Pool(),
		Certificates: certificates,
		MinVersion:   tls.VersionTLS12,
	}}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL(path), http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	return client.Do(request)
}

// URL is where the webhook serves a path.
func (r *Replica) URL(path string) string { return fmt.Sprintf("https://%s%s", r.Port.Address(), path) }

// Path is where a file of the folder is.
func (r *Replica) Path(name string) string { return filepath.Join(r.Folder, name) }
