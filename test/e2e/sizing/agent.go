package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
)

// agent is what was measured of one, on a mock of a DGX H100.
type agent struct {
	memory
	// perLook is its CPU time for one look at all GPUs.
	perLook time.Duration
}

const (
	agentNode = "sizing-agent"
	// interval is the shortest that an agent takes; as shipped it looks every 10 s.
	interval = time.Second
)

// measureAgent watches an agent that reports to the real API server.
func (s *site) measureAgent(ctx context.Context) (a agent, err error) {
	fmt.Fprintln(os.Stderr, "an agent")
	binary, err := repository.Build(ctx, s.folder, "usher-agent")
	if err != nil {
		return a, err
	}
	if err := s.ApplyYAML(ctx, "apiVersion: v1\nkind: Node\nmetadata: {name: "+agentNode+"}\n"); err != nil {
		return a, err
	}
	port, err := controlplane.ReservePort()
	if err != nil {
		return a, err
	}
	defer port.Release()
	kubeconfig := filepath.Join(s.folder, "agent.kubeconfig")
	if err := controlplane.WriteKubeconfig(kubeconfig, s.Config()); err != nil {
		return a, err
	}
	process, err := controlplane.StartProcess("usher-agent", filepath.Join(s.folder, "agent.log"), binary,
		"--node-name="+agentNode, "--source=mock:dgxh100", "--kubeconfig="+kubeconfig, "--interval="+interval.String(), "--probe-listen="+port.Address())
	if err != nil {
		return a, err
	}
	defer process.Kill()
	starting, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := process.WaitReady(starting, http.DefaultClient, "http://"+port.Address()+"/readyz"); err != nil {
		return a, err
	}
	before, err := process.CPU()
	if err != nil {
		return a, err
	}
	select {
	case <-ctx.Done():
		return a, ctx.Err()
	case <-time.After(s.plan.watched):
	}
	after, err := process.CPU()
	if err != nil {
		return a, err
	}
	a.perLook = time.Duration(float64(after-before) * interval.Seconds() / s.plan.watched.Seconds())
	a.now, a.peak, err = process.Memory()
	return a, err
}
