// Package controller runs usher-controller outside the cluster that it works on,
// with the arguments, the configuration and the rights that its manifests give it.
package controller

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
)

// Namespace and Name are those of the controller's Deployment and service account.
const (
	Namespace = "usher-system"
	Name      = "usher-controller"
)

// startTimeout bounds how long a replica may take until its caches are in sync.
const startTimeout = time.Minute

// Replica is one replica of the controller, outside the cluster. It works as the
// service account that the manifests make, with the configuration that they ship.
type Replica struct {
	// Folder holds the files that it reads and its log.
	Folder string
	// Process is the last that was started.
	Process *controlplane.Process

	binary    string
	probePort *controlplane.Port
	// arguments are those of the Deployment, with what is where it is here.
	arguments []string
}

// New prepares what the controller needs to run; manifests are those that are
// applied already. Further arguments come after the Deployment's.
func New(ctx context.Context, plane *controlplane.ControlPlane, folder, binary string, manifests []*unstructured.Unstructured, further ...string) (*Replica, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	r := &Replica{Folder: folder, binary: binary}
	var err error
	if r.probePort, err = controlplane.ReservePort(); err != nil {
		return nil, err
	}
	container, err := repository.DeployedContainer(manifests, Name)
	if err != nil {
		return nil, err
	}
	here := strings.NewReplacer(":8083", r.probePort.Address(), "/etc/usher/config", folder)
	for _, argument := range container.Args {
		r.arguments = append(r.arguments, here.Replace(argument))
	}
	r.arguments = append(append(r.arguments, "--kubeconfig="+r.path("kubeconfig")), further...)
	configuration, err := repository.ShippedConfiguration(manifests)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(r.path("config.yaml"), []byte(configuration), 0o600); err != nil {
		return nil, err
	}
	config, err := plane.AsServiceAccount(ctx, Namespace, Name, nil)
	if err != nil {
		return nil, err
	}
	return r, controlplane.WriteKubeconfig(r.path("kubeconfig"), config)
}

// Start starts the controller and waits until it is ready: its caches are in
// sync, whether it leads or not.
func (r *Replica) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var err error
	r.Process, err = controlplane.StartProcess(Name, r.path(Name+".log"), r.binary, r.arguments...)
	if err != nil {
		return err
	}
	return r.Process.WaitReady(ctx, http.DefaultClient, r.Probe("/readyz"))
}

// Kill ends the controller as a crash would: its lease stays taken.
func (r *Replica) Kill() { r.Process.Kill() }

// Stop ends the controller as a kubelet would, and waits until it is gone.
func (r *Replica) Stop(ctx context.Context) error { return r.Process.Stop(ctx) }

// Restart kills the controller and starts it again.
func (r *Replica) Restart(ctx context.Context) error {
	r.Kill()
	return r.Start(ctx)
}

// Release ends the controller and gives its port away.
func (r *Replica) Release() {
	if r == nil {
		return
	}
	r.Kill()
	r.probePort.Release()
}

// Leads says whether this replica is the one that works.
func (r *Replica) Leads(ctx context.Context) (bool, error) {
	answer, err := r.Get(ctx, "/readyz")
	return strings.Contains(answer, "\nleader\n"), err
}

// Get returns the answer to a probe or the metrics.
func (r *Replica) Get(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Probe(path), http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", path, response.Status, body)
	}
	return string(body), err
}

// Probe returns the address of a probe.
func (r *Replica) Probe(path string) string { return "http://" + r.probePort.Address() + path }

// Log returns what the controller has logged, over all its lives.
func (r *Replica) Log() ([]byte, error) { return os.ReadFile(r.path(Name + ".log")) }

func (r *Replica) path(name string) string { return filepath.Join(r.Folder, name) }
