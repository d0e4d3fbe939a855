// Package installation runs all of usher on a control plane as its manifests
// install it: replicas of the webhook behind one address, and controllers, each
// of which is started again when it ends, as a kubelet would.
package installation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/balancer"
	"usher.dev/usher/test/e2e/controller"
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
	// APIServer are further flags of kube-apiserver, Usher of both of usher's binaries.
	APIServer, Usher []string
}

// Installation is a control plane with usher on it.
type Installation struct {
	*controlplane.ControlPlane
	Webhooks    []*Unit
	Controllers []*Unit
	Balancer    *balancer.Balancer

	port           *controlplane.Port
	manifests      []*unstructured.Unstructured
	configurations []*unstructured.Unstructured
	bundle         []byte
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
	i := &Installation{ControlPlane: plane}
	if err := i.install(ctx, o); err != nil {
		i.Release()
		return nil, err
	}
	return i, nil
}

func (i *Installation) install(ctx context.Context, o Options) error {
	manifests, err := repository.Manifests(ctx, "base")
	if err != nil {
		return err
	}
	if err := i.Start(ctx); err != nil {
		return err
	}
	i.configurations, i.manifests = webhook.SplitRegistration(manifests)
	if err := i.Apply(ctx, i.manifests...); err != nil {
		return err
	}
	if err := i.WaitForKinds(ctx); err != nil {
		return err
	}
	if err := i.startWebhooks(ctx, o); err != nil {
		return err
	}
	if err := i.startControllers(ctx, o); err != nil {
		return err
	}
	for _, unit := range slices.Concat(i.Webhooks, i.Controllers) {
		if err := unit.WaitReady(ctx); err != nil {
			return err
		}
	}
	return i.Register(ctx)
}

func (i *Installation) startWebhooks(ctx context.Context, o Options) (err error) {
	binary, err := repository.Build(ctx, o.Folder, webhook.Name)
	if err != nil {
		return err
	}
	if i.port, err = controlplane.ReservePort(); err != nil {
		return err
	}
	if i.Balancer, err = balancer.Listen(ctx, i.port.Address()); err != nil {
		return err
	}
	for n := range o.Webhooks {
		folder := filepath.Join(o.Folder, fmt.Sprint("webhook-", n))
		replica, err := webhook.New(ctx, i.ControlPlane, folder, binary, i.manifests, anyAddress)
		if err != nil {
			return err
		}
		replica.Pass(o.Usher...)
		i.bundle = append(i.bundle, replica.Authority.PEM...)
		i.Webhooks = append(i.Webhooks, run(&webhookReplica{replica, i.Balancer}))
	}
	return nil
}

func (i *Installation) startControllers(ctx context.Context, o Options) error {
	binary, err := repository.Build(ctx, o.Folder, controller.Name)
	if err != nil {
		return err
	}
	flags := slices.Clone(o.Usher)
	if o.ReservationTTL != 0 {
		flags = append(flags, "--reservation-ttl="+o.ReservationTTL.String())
	}
	for n := range o.Controllers {
		folder := filepath.Join(o.Folder, fmt.Sprint("controller-", n))
		replica, err := controller.New(ctx, i.ControlPlane, folder, binary, i.manifests, flags...)
		if err != nil {
			return err
		}
		i.Controllers = append(i.Controllers, run(controllerReplica{replica}))
	}
	return nil
}

// Address is where the load balancer serves, as the API server is told.
func (i *Installation) Address() string {
	return net.JoinHostPort(anyAddress, strconv.Itoa(i.port.Number))
}

// Register applies the webhook configurations.
func (i *Installation) Register(ctx context.Context) error {
	return i.Apply(ctx, webhook.RegistrationAt(i.Address(), i.configurations, i.bundle)...)
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

// Release ends everything.
func (i *Installation) Release() {
	for _, unit := range slices.Concat(i.Webhooks, i.Controllers) {
		unit.release()
	}
	i.Balancer.Close()
	i.port.Release()
	i.ControlPlane.Release()
}
