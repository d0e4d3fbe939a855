package installation

import (
	"context"
	"fmt"
	"sync"
	"time"

	"usher.dev/usher/test/e2e/balancer"
	"usher.dev/usher/test/e2e/controlplane"
)

// probeEvery is how often an API server is asked whether it is ready.
const probeEvery = 250 * time.Millisecond

// Front is one address of several API servers, each of which takes part while it is
// ready.
type Front struct {
	// Servers are the API servers, the control plane's own first.
	Servers  []*controlplane.APIServer
	Balancer *balancer.Balancer

	port *controlplane.Port
	stop context.CancelFunc
	done sync.WaitGroup
}

// newFront starts further API servers beside that of the control plane and has
// everybody from now on go through one address.
func newFront(ctx context.Context, plane *controlplane.ControlPlane, servers int) (*Front, error) {
	probing, stop := context.WithCancel(context.Background())
	f := &Front{Servers: []*controlplane.APIServer{plane.Own()}, stop: stop}
	var err error
	if f.port, err = controlplane.ReservePort(); err != nil {
		return f, err
	}
	if f.Balancer, err = balancer.Listen(ctx, f.port.Address()); err != nil {
		return f, err
	}
	for n := 1; n < servers; n++ {
		server, err := plane.NewAPIServer(fmt.Sprint("kube-apiserver-", n))
		if err != nil {
			return f, err
		}
		f.Servers = append(f.Servers, server)
		if err := server.Start(ctx); err != nil {
			return f, err
		}
	}
	for _, server := range f.Servers {
		f.Balancer.Add(server.Address())
		f.done.Go(func() { f.probe(probing, server) })
	}
	return f, plane.ServeAt(f.port.Address())
}

// probe lets an API server take part while it is ready.
func (f *Front) probe(ctx context.Context, server *controlplane.APIServer) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(probeEvery):
		}
		switch err := server.Ready(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.Balancer.Remove(server.Address())
		default:
			f.Balancer.Add(server.Address())
		}
	}
}

// Restart ends an API server in order and starts it again.
func (f *Front) Restart(ctx context.Context, server *controlplane.APIServer) error {
	if err := server.Stop(ctx); err != nil {
		return err
	}
	return server.Start(ctx)
}

func (f *Front) release() {
	if f == nil {
		return
	}
	f.stop()
	f.done.Wait()
	f.Balancer.Close()
	f.port.Release()
	for _, server := range f.Servers[1:] {
		server.Release()
	}
}
