package controlplane

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"sigs.k8s.io/kwok/kustomize/stage/node/fast"
	"sigs.k8s.io/kwok/kustomize/stage/node/heartbeat"
	pods "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
)

// KWOK plays the kubelets of nodes that have no machine: they turn Ready, pods
// that are bound to them run, and deleted ones are gone.
type KWOK struct {
	*Process
	port *Port
}

// StartKWOK starts KWOK for the nodes with the annotation
// kwok.x-k8s.io/node=fake and waits until it is ready.
func (c *ControlPlane) StartKWOK(ctx context.Context) (*KWOK, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	stages := strings.Join([]string{
		fast.DefaultNodeInit, heartbeat.DefaultNodeHeartbeat,
		pods.DefaultPodReady, pods.DefaultPodComplete, pods.DefaultPodDelete,
	}, "\n---\n")
	if err := os.WriteFile(c.path("kwok.yaml"), []byte(stages), 0o600); err != nil {
		return nil, fmt.Errorf("write KWOK's stages: %w", err)
	}
	port, err := ReservePort()
	if err != nil {
		return nil, err
	}
	process, err := StartProcess("kwok", c.path("kwok.log"), c.programs.Path("kwok"),
		"--kubeconfig="+c.kubeconfig,
		"--config="+c.path("kwok.yaml"),
		"--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
		"--server-address="+port.Address(),
	)
	if err != nil {
		port.Release()
		return nil, err
	}
	k := &KWOK{Process: process, port: port}
	if err := k.WaitReady(ctx, http.DefaultClient, "http://"+port.Address()+"/readyz"); err != nil {
		k.Release()
		return nil, err
	}
	return k, nil
}

// Release kills KWOK and gives its port away.
func (k *KWOK) Release() {
	if k != nil {
		k.Kill()
		k.port.Release()
	}
}
