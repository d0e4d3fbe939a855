package controlplane

import (
	"context"
	"net/http"
	"os"

	"k8s.io/client-go/rest"
)

// apiserverName is the program, and the API server that starts and ends with etcd.
const apiserverName = "kube-apiserver"

// APIServer is a kube-apiserver on the etcd of a control plane.
type APIServer struct {
	// Process is the last that was started.
	*Process

	plane    *ControlPlane
	name     string
	port     *Port
	auditLog string
	prober   *http.Client
}

// NewAPIServer prepares a further kube-apiserver with the flags and certificates of
// the control plane's own.
func (c *ControlPlane) NewAPIServer(name string) (*APIServer, error) {
	port, err := ReservePort()
	if err != nil {
		return nil, err
	}
	auditLog := "audit.log"
	if name != apiserverName {
		auditLog = name + "-" + auditLog
	}
	return &APIServer{plane: c, name: name, port: port, auditLog: c.path(auditLog)}, nil
}

// Start starts the API server and waits until it is ready.
func (a *APIServer) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var err error
	arguments := append(a.plane.apiserverFlags(a), a.plane.flags...)
	if a.Process, err = StartProcess(a.name, a.plane.path(a.name+".log"), a.plane.programs.Path(apiserverName), arguments...); err != nil {
		return err
	}
	if a.prober == nil {
		if a.prober, err = rest.HTTPClientFor(a.plane.Config()); err != nil {
			return err
		}
	}
	return a.WaitReady(ctx, a.prober, a.readyz())
}

// Ready says why an API server that was started does not serve, nil if it does.
func (a *APIServer) Ready(ctx context.Context) error { return ask(ctx, a.prober, a.readyz()) }

func (a *APIServer) readyz() string { return "https://" + a.Address() + "/readyz" }

// Address is where the API server serves.
func (a *APIServer) Address() string { return a.port.Address() }

// AuditLog returns the API server's audit log, one JSON event a line, over all its
// lives.
func (a *APIServer) AuditLog() ([]byte, error) { return os.ReadFile(a.auditLog) }

// Release kills the API server and gives its port away.
func (a *APIServer) Release() {
	if a != nil {
		a.Kill()
		a.port.Release()
	}
}
