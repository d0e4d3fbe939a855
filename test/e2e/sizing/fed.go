package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
)

// startTime is how long a process may take to read a whole cluster on a busy machine.
const startTime = 8 * time.Minute

// memory is what a process takes, in bytes: after it has rested, and at most.
type memory struct{ now, peak int64 }

// fed is what was measured of processes that a fake API server feeds a whole
// cluster.
type fed struct {
	size
	webhook, extender, controller memory
	// perChange and perDecision are the extender's CPU time for a report that has
	// changed, and for a filter and a prioritize of all nodes; median and tail how
	// long those two took.
	perChange, perDecision, median, tail time.Duration
}

// measureFed measures one size.
func measureFed(ctx context.Context, folder string, s size, plan schedule) (*fed, error) {
	fmt.Fprintf(os.Stderr, "%d nodes, %d tenants, %d pods\n", s.nodes, s.tenants, s.pods())
	t, err := readTemplates()
	if err != nil {
		return nil, err
	}
	c, err := feed(t, s)
	if err != nil {
		return nil, err
	}
	defer c.close()
	out := &fed{size: s}
	for _, of := range []struct {
		binary    string
		arguments []string
		into      *memory
		then      func(context.Context, *server) error
	}{
		{"usher-webhook", nil, &out.webhook, nil},
		{"usher-controller", nil, &out.controller, nil},
		{"usher-extender", nil, &out.extender, func(ctx context.Context, e *server) error { return c.exercise(ctx, e, plan, out) }},
	} {
		if err := c.run(ctx, filepath.Join(folder, fmt.Sprint(of.binary, "-", s.nodes)), of.binary, plan, of.into, of.then); err != nil {
			return nil, fmt.Errorf("%s: %w", of.binary, err)
		}
	}
	return out, nil
}

// server is a process of usher's that a fake API server feeds.
type server struct {
	*controlplane.Process
	address, probes string
}

// run starts a process, waits until it has read everything, lets it rest, and
// reads its memory; then it does what is to be done with it, and ends it.
func (c *cluster) run(ctx context.Context, folder, name string, plan schedule, into *memory, then func(context.Context, *server) error) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	binary, err := repository.Build(ctx, folder, name)
	if err != nil {
		return err
	}
	s := &server{}
	for _, address := range []*string{&s.address, &s.probes} {
		port, err := controlplane.ReservePort()
		if err != nil {
			return err
		}
		defer port.Release()
		*address = port.Address()
	}
	kubeconfig := filepath.Join(folder, "kubeconfig")
	if err := controlplane.WriteKubeconfig(kubeconfig, &rest.Config{Host: c.URL}); err != nil {
		return err
	}
	arguments := []string{"--kubeconfig=" + kubeconfig, "--probe-listen=" + s.probes}
	switch name {
	case "usher-webhook":
		authority, err := controlplane.NewAuthority("sizing")
		if err != nil {
			return err
		}
		pair, err := authority.Serving()
		if err != nil {
			return err
		}
		if _, _, err := pair.Write(folder, "tls.crt", "tls.key"); err != nil {
			return err
		}
		arguments = append(arguments, "--listen="+s.address, "--cert-dir="+folder)
	case "usher-extender":
		arguments = append(arguments, "--listen="+s.address)
	}
	// As it is deployed.
	if a, ok := recommended[c.size.nodes][part(name)]; ok {
		if err := os.Setenv("GOMEMLIMIT", fmt.Sprintf("%dMiB", softLimit(a.memoryLimit))); err != nil {
			return err
		}
		defer func() { _ = os.Unsetenv("GOMEMLIMIT") }()
	}
	if s.Process, err = controlplane.StartProcess(name, filepath.Join(folder, "log"), binary, arguments...); err != nil {
		return err
	}
	defer s.Kill()
	starting, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := s.WaitReady(starting, http.DefaultClient, "http://"+s.probes+"/readyz"); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(plan.rest):
	}
	if into.now, into.peak, err = s.Memory(); err != nil || then == nil {
		return err
	}
	return then(ctx, s)
}
