// Package unregister takes usher out of the API server's way: its webhook
// configurations, before it is uninstalled, and its finalizers, afterwards.
package unregister

import (
	"context"
	"fmt"
	"io"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// configurationName is that of both webhook configurations.
const configurationName = "usher-webhook"

// look is the time between two looks at what is to be gone.
const look = 500 * time.Millisecond

// Unregisterer takes one installation of usher away.
type Unregisterer struct {
	// Namespace of the installation. Configurations of one elsewhere stay.
	Namespace string
	// Out is told what was done.
	Out io.Writer

	client client.Client
}

// New returns one for the installation in a namespace.
func New(config *rest.Config, namespace string, out io.Writer) (*Unregisterer, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{admissionregistrationv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, err
	}
	return &Unregisterer{Namespace: namespace, Out: out, client: c}, nil
}

// Unregister deletes usher's webhook configurations and waits until they are gone:
// from then on, the API server asks nobody. Those of an usher elsewhere are an
// error, before anything is deleted.
func (u *Unregisterer) Unregister(ctx context.Context) error {
	mutating, validating := &admissionregistrationv1.MutatingWebhookConfiguration{}, &admissionregistrationv1.ValidatingWebhookConfiguration{}
	// Validation first: what was mutated while it is gone is admitted all the same.
	all := []configuration{
		{"ValidatingWebhookConfiguration", validating, func() []admissionregistrationv1.WebhookClientConfig {
			return clients(validating.Webhooks, func(w admissionregistrationv1.ValidatingWebhook) admissionregistrationv1.WebhookClientConfig {
				return w.ClientConfig
			})
		}},
		{"MutatingWebhookConfiguration", mutating, func() []admissionregistrationv1.WebhookClientConfig {
			return clients(mutating.Webhooks, func(w admissionregistrationv1.MutatingWebhook) admissionregistrationv1.WebhookClientConfig {
				return w.ClientConfig
			})
		}},
	}
	var registered []configuration
	for _, c := range all {
		found, err := u.find(ctx, c)
		if err != nil {
			return err
		}
		if found {
			registered = append(registered, c)
		}
	}
	if len(registered) == 0 {
		fmt.Fprintln(u.Out, "usher is not registered")
	}
	for _, c := range registered {
		if err := u.remove(ctx, c); err != nil {
			return err
		}
		fmt.Fprintf(u.Out, "%s %s deleted\n", c.kind, configurationName)
	}
	return nil
}

// configuration is one of the two, and whom it asks.
type configuration struct {
	kind    string
	object  client.Object
	clients func() []admissionregistrationv1.WebhookClientConfig
}

func clients[T any](webhooks []T, of func(T) admissionregistrationv1.WebhookClientConfig) []admissionregistrationv1.WebhookClientConfig {
	all := make([]admissionregistrationv1.WebhookClientConfig, len(webhooks))
	for i, w := range webhooks {
		all[i] = of(w)
	}
	return all
}

// find reads a configuration, if it is there, and refuses that of another usher.
func (u *Unregisterer) find(ctx context.Context, c configuration) (bool, error) {
	err := u.client.Get(ctx, client.ObjectKey{Name: configurationName}, c.object)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s %s: %w", c.kind, configurationName, err)
	}
	for _, asked := range c.clients() {
		if asked.Service != nil && asked.Service.Namespace != u.Namespace {
			return false, fmt.Errorf("%s %s is of the usher in namespace %q, not %q; name that one by --namespace to unregister it",
				c.kind, configurationName, asked.Service.Namespace, u.Namespace)
		}
	}
	return true, nil
}

// remove deletes the very object that was found, and waits until it is gone.
func (u *Unregisterer) remove(ctx context.Context, c configuration) error {
	uid := c.object.GetUID()
	err := u.client.Delete(ctx, c.object, client.Preconditions{UID: &uid})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete %s %s: %w", c.kind, configurationName, err)
	}
	err = wait.PollUntilContextCancel(ctx, look, true, func(ctx context.Context) (bool, error) {
		err := u.client.Get(ctx, client.ObjectKey{Name: configurationName}, c.object)
		return apierrors.IsNotFound(err) || c.object.GetUID() != uid, client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("wait until %s %s is gone: %w; its finalizers are %v", c.kind, configurationName, err, c.object.GetFinalizers())
	}
	return nil
}
