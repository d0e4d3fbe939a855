package controlplane

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"strconv"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// Scheduler is a kube-scheduler, which may be killed and started again.
type Scheduler struct {
	*Process
	plane     *ControlPlane
	name      string
	port      *Port
	arguments []string
}

// NewScheduler prepares a kube-scheduler with a KubeSchedulerConfiguration, of
// which only the connection to the API server is replaced: by config. Name is
// that of its files; flags are those beside what a test has to choose.
func (c *ControlPlane) NewScheduler(name string, configuration []byte, config *rest.Config, flags ...string) (*Scheduler, error) {
	kubeconfig := c.path(name + ".kubeconfig")
	if err := WriteKubeconfig(kubeconfig, config); err != nil {
		return nil, err
	}
	content := map[string]any{}
	if err := yaml.Unmarshal(configuration, &content); err != nil {
		return nil, fmt.Errorf("read the configuration of %s: %w", name, err)
	}
	content["clientConnection"] = map[string]any{"kubeconfig": kubeconfig}
	encoded, err := yaml.Marshal(content)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.path(name+".yaml"), encoded, 0o600); err != nil {
		return nil, err
	}
	port, err := ReservePort()
	if err != nil {
		return nil, err
	}
	return &Scheduler{plane: c, name: name, port: port, arguments: append([]string{
		"--config=" + c.path(name+".yaml"),
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(port.Number),
	}, flags...)}, nil
}

// Start starts the scheduler and waits until it is ready to schedule.
func (s *Scheduler) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var err error
	s.Process, err = StartProcess(s.name, s.plane.path(s.name+".log"), s.plane.programs.Path("kube-scheduler"), s.arguments...)
	if err != nil {
		return err
	}
	// Its certificate is one that it made itself.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	return s.WaitReady(ctx, client, "https://"+s.port.Address()+"/readyz")
}

// Release kills the scheduler and gives its port away.
func (s *Scheduler) Release() {
	if s != nil {
		s.Kill()
		s.port.Release()
	}
}
