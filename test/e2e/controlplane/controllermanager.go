package controlplane

import (
	"context"
	"crypto/tls"
	"net/http"
	"strconv"
	"strings"
)

// ControllerManager is a kube-controller-manager, which may be killed and
// started again.
type ControllerManager struct {
	*Process
	plane     *ControlPlane
	port      *Port
	arguments []string
}

// NewControllerManager prepares a kube-controller-manager that runs the named
// controllers, such as resourcequota-controller, and no others; none: all that
// are on by default. Each acts as its own service account with Kubernetes' own
// roles. Flags are those beside what a test has to choose.
func (c *ControlPlane) NewControllerManager(controllers []string, flags ...string) (*ControllerManager, error) {
	port, err := ReservePort()
	if err != nil {
		return nil, err
	}
	arguments := []string{
		"--kubeconfig=" + c.kubeconfig,
		"--authentication-kubeconfig=" + c.kubeconfig,
		"--authorization-kubeconfig=" + c.kubeconfig,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(port.Number),
		"--service-account-private-key-file=" + c.files.tokenSigner,
		"--root-ca-file=" + c.files.authority,
		"--use-service-account-credentials",
		// One replica has nobody to wait for.
		"--leader-elect=false",
	}
	if len(controllers) > 0 {
		arguments = append(arguments, "--controllers="+strings.Join(controllers, ","))
	}
	return &ControllerManager{plane: c, port: port, arguments: append(arguments, flags...)}, nil
}

// Start starts the controllers and waits until their caches are filled.
func (m *ControllerManager) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	const name = "kube-controller-manager"
	var err error
	m.Process, err = StartProcess(name, m.plane.path(name+".log"), m.plane.programs.Path(name), m.arguments...)
	if err != nil {
		return err
	}
	// Its certificate is one that it made itself.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	return m.WaitReady(ctx, client, "https://"+m.port.Address()+"/healthz")
}

// Release kills the controllers and gives their port away.
func (m *ControllerManager) Release() {
	if m != nil {
		m.Kill()
		m.port.Release()
	}
}
