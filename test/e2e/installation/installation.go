// Package installation runs all of usher on a control plane as its manifests
// install it: replicas of the webhook behind one address, and controllers, each
// of which is started again when it ends, as a kubelet would.
package installation

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/balancer"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// anyAddress leads to this machine (package net), and is what the API server does
// not take for a loopback address: to those it opens one HTTP/2 connection, and to
// all others HTTP/1.1 connections, as to a Service, which a load balancer can
// spread (k8s.io/apiserver/pkg/util/webhook, isLocalHost).
const anyAddress = "0.0.0.0"

// Options say what an installation consists of.
type Options struct {
	// Folder is where everything is kept.
	Folder string
	// Webhooks and Controllers are how many replicas there are.
	Webhooks, Controllers int
	// ReservationTTL is passed to the controllers. Zero: as they have it.
	ReservationTTL time.Duration
	// Tree is what is installed. Zero: the working tree.
	Tree repository.Tree
	// APIServer are further flags of kube-apiserver, Usher of both of usher's binaries.
	APIServer, Usher []string
	// APIServers is how many kube-apiservers there are. More than one are behind
	// one address. Zero: one.
	APIServers int
	// Certificates, if any, are kept by the controllers (--cert-mode=self). Nil: by
	// the test, for as long as it lasts.
	Certificates *Certificates
	// Policies are files for the --policy-dir of the webhooks. Nil: they have none.
	Policies map[string][]byte
}

// Installation is a control plane with usher on it.
type Installation struct {
	*controlplane.ControlPlane
	Webhooks    []*Unit
	Controllers []*Unit
	Balancer    *balancer.Balancer
	// Front leads to the kube-apiservers. Nil: there is one.
	Front *Front

	options        Options
	version        *Version // that was installed first
	made           int      // replicas
	port           *controlplane.Port
	configurations []*unstructured.Unstructured
	authority      *controlplane.Authority // of the webhooks' certificates, unless the controllers keep them
}

// Start starts a control plane and usher on it, and registers usher's webhooks.
func Start(ctx context.Context, o Options) (*Installation, error) {
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return nil, err
	}
	plane, err := controlplane.New(o.Folder, programs, o.APIServer...)
	if err != nil {
		return nil, err
	}
	if o.Tree == "" {
		o.Tree = repository.Working()
	}
	i := &Installation{ControlPlane: plane, options: o}
	if err := i.install(ctx, o); err != nil {
		i.Release()
		return nil, err
	}
	return i, nil
}

func (i *Installation) install(ctx context.Context, o Options) (err error) {
	if err := i.Start(ctx); err != nil {
		return err
	}
	if o.APIServers > 1 {
		if i.Front, err = newFront(ctx, i.ControlPlane, o.APIServers); err != nil {
			return err
		}
	}
	if i.version, err = i.Prepare(ctx, o.Tree); err != nil {
		return err
	}
	if o.Certificates != nil {
		if err := leadOut(i.version.Manifests); err != nil {
			return err
		}
	}
	if err := i.ApplyObjects(ctx, i.version); err != nil {
		return err
	}
	if err := i.startReplicas(ctx, o); err != nil {
		return err
	}
	for _, unit := range slices.Concat(i.Webhooks, i.Controllers) {
		if err := unit.WaitReady(ctx); err != nil {
			return err
		}
	}
	if err := i.Register(ctx); err != nil {
		return err
	}
	return i.waitForBundles(ctx)
}

func (i *Installation) startReplicas(ctx context.Context, o Options) (err error) {
	if i.port, err = controlplane.ReservePort(); err != nil {
		return err
	}
	if i.Balancer, err = balancer.Listen(ctx, i.port.Address()); err != nil {
		return err
	}
	for range o.Webhooks {
		if err := i.AddWebhook(ctx, i.version); err != nil {
			return err
		}
	}
	for range o.Controllers {
		if err := i.AddController(ctx, i.version); err != nil {
			return err
		}
	}
	return nil
}

// Address is where the load balancer serves, as the API server is told.
func (i *Installation) Address() string {
	return net.JoinHostPort(anyAddress, strconv.Itoa(i.port.Number))
}

// Register applies the webhook configurations.
func (i *Installation) Register(ctx context.Context) error {
	if i.options.Certificates != nil {
		return i.Apply(ctx, webhook.RegistrationAtService(i.port.Number, i.configurations)...)
	}
	return i.Apply(ctx, webhook.RegistrationAt(i.Address(), i.configurations, i.authority.PEM)...)
}

// Unregister deletes the webhook configurations: nothing is judged any more.
func (i *Installation) Unregister(ctx context.Context) error {
	for _, configuration := range i.configurations {
		if _, _, err := i.Kubectl(ctx, "", "delete", configuration.GetKind(), configuration.GetName()); err != nil {
			return err
		}
	}
	return nil
}

// Leader returns the controller that leads.
func (i *Installation) Leader(ctx context.Context) (*Unit, error) {
	for _, unit := range i.Controllers {
		replica := unit.replica.(controllerReplica)
		if leads, err := replica.Leads(ctx); err == nil && leads {
			return unit, nil
		}
	}
	return nil, errors.New("no controller leads")
}

// Leaders counts the controllers that lead.
func (i *Installation) Leaders(ctx context.Context) (n int, err error) {
	for _, unit := range i.Controllers {
		leads, err := unit.replica.(controllerReplica).Leads(ctx)
		if err != nil {
			return n, err
		}
		if leads {
			n++
		}
	}
	return n, nil
}

// EndControllers ends all controllers, for good: nothing is settled from here on.
func (i *Installation) EndControllers() {
	for _, unit := range i.Controllers {
		unit.release()
	}
	i.Controllers = nil
}

// Release ends everything.
func (i *Installation) Release() {
	for _, unit := range slices.Concat(i.Webhooks, i.Controllers) {
		unit.release()
	}
	i.Balancer.Close()
	i.port.Release()
	i.Front.release()
	i.ControlPlane.Release()
}
