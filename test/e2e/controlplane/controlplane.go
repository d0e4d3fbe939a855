package controlplane

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
)

// startTimeout bounds how long etcd and kube-apiserver together may take. They
// need some ten seconds on two idle cores.
const startTimeout = 2 * time.Minute

// ControlPlane is one etcd and one kube-apiserver, which may be stopped and
// started again over the same data, at the same addresses.
type ControlPlane struct {
	programs Programs
	// address is where pods reach the API server; empty: there are none that run.
	address    string
	folder     string
	flags      []string
	authority  *Authority
	etcdPort   *Port
	peerPort   *Port
	files      files
	admin      KeyPair
	etcd       *Process
	apiserver  *APIServer
	front      string
	kubeconfig string
}

// New prepares a control plane whose data, certificates and logs are kept in
// folder. Nothing runs before Start. Flags are those of kube-apiserver beside what
// a test has to choose.
func New(folder string, programs Programs, flags ...string) (*ControlPlane, error) {
	return NewReachable("", folder, programs, flags...)
}

// NewReachable prepares a control plane as New does, for pods that really run: they
// reach it at an address of this machine, by the Service kubernetes, and it asks
// all that a cluster's API server asks by default before it stores anything.
func NewReachable(address, folder string, programs Programs, flags ...string) (*ControlPlane, error) {
	authority, err := NewAuthority("control plane")
	if err != nil {
		return nil, err
	}
	c := &ControlPlane{programs: programs, address: address, folder: folder, flags: flags, authority: authority}
	for _, port := range []**Port{&c.etcdPort, &c.peerPort} {
		if *port, err = ReservePort(); err != nil {
			return nil, err
		}
	}
	if c.files, err = writeFiles(folder, authority, c.names()...); err != nil {
		return nil, fmt.Errorf("prepare kube-apiserver: %w", err)
	}
	if c.admin, err = authority.Client("admin", "system:masters"); err != nil {
		return nil, err
	}
	if c.apiserver, err = c.NewAPIServer(apiserverName); err != nil {
		return nil, err
	}
	if address != "" {
		c.apiserver.port.Release()
		c.apiserver.port = wellKnownPort()
	}
	c.kubeconfig = filepath.Join(folder, "admin.kubeconfig")
	if err := WriteKubeconfig(c.kubeconfig, c.Config()); err != nil {
		return nil, err
	}
	return c, nil
}

// Start starts etcd and kube-apiserver and waits until the API server is ready.
func (c *ControlPlane) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var err error
	if c.etcd, err = StartProcess("etcd", c.path("etcd.log"), c.programs.Path("etcd"), c.etcdFlags()...); err != nil {
		return err
	}
	if err := c.etcd.WaitReady(ctx, http.DefaultClient, "http://"+c.etcdPort.Address()+"/readyz"); err != nil {
		return err
	}
	return c.apiserver.Start(ctx)
}

// Kill ends both at once. An orderly end would take kube-apiserver a minute, and
// a cluster must survive the other kind as well.
func (c *ControlPlane) Kill() {
	c.apiserver.Kill()
	c.etcd.Kill()
}

// Processes are etcd and kube-apiserver.
func (c *ControlPlane) Processes() []*Process { return []*Process{c.etcd, c.apiserver.Process} }

// Runs says whether the API server is still there.
func (c *ControlPlane) Runs() bool { return c.apiserver.Runs() }

// Release kills what runs and gives the ports away.
func (c *ControlPlane) Release() {
	c.Kill()
	c.apiserver.Release()
	for _, port := range []*Port{c.etcdPort, c.peerPort} {
		port.Release()
	}
}

// Config is the connection of a cluster administrator.
func (c *ControlPlane) Config() *rest.Config {
	config := c.Anonymous()
	config.CertData, config.KeyData = c.admin.Certificate, c.admin.Key
	return config
}

// Anonymous is a connection without any credentials.
func (c *ControlPlane) Anonymous() *rest.Config {
	return &rest.Config{
		Host:            "https://" + cmp.Or(c.front, c.apiserver.Address()),
		TLSClientConfig: rest.TLSClientConfig{CAData: c.authority.PEM},
		// The client's own rate limit would only make the tests slow.
		QPS: -1,
	}
}

// ClientAuthority issued the certificate by which the API server identifies
// itself to webhooks.
func (c *ControlPlane) ClientAuthority() *Authority { return c.authority }

// AuditLog returns the API server's audit log, one JSON event a line.
func (c *ControlPlane) AuditLog() ([]byte, error) { return c.apiserver.AuditLog() }

// Own is the API server that starts and ends with etcd.
func (c *ControlPlane) Own() *APIServer { return c.apiserver }

// ServeAt tells every connection that is configured from now on to go to an
// address of this machine, such as that of a load balancer in front of several
// API servers.
func (c *ControlPlane) ServeAt(address string) error {
	c.front = address
	return WriteKubeconfig(c.kubeconfig, c.Config())
}

func (c *ControlPlane) path(name string) string { return filepath.Join(c.folder, name) }
