package preflight

import (
	"context"
	"fmt"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// kinds are the CRDs that usher brings.
var kinds = []string{"gpunodes.usher.dev", "quotaledgers.usher.dev", "tenants.usher.dev"}

// authoritySecret holds the key that signs the others.
const authoritySecret = "usher-ca"

// secrets are those that hold certificates.
var secrets = []string{authoritySecret, "usher-webhook-tls", "usher-webhook-client-tls", "usher-extender-tls", "usher-scheduler-client-tls"}

// Facts are what was found in a cluster. What is not there is absent.
type Facts struct {
	Version *version.Info
	// Served holds "group/version/resource" of the resources that were asked for.
	Served map[string]bool
	// Versions of usher's kinds that this usher knows.
	Versions  []string
	CRDs      map[string]*apiextensionsv1.CustomResourceDefinition
	Services  map[string]admissionregistrationv1.ServiceReference
	Secrets   map[string]*corev1.Secret
	Namespace *corev1.Namespace
	// APIServerPorts are where the API server listens.
	APIServerPorts []int32
}

// Gather looks at a cluster.
func Gather(ctx context.Context, o Options, config *rest.Config) (*Facts, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionregistrationv1.AddToScheme, apiextensionsv1.AddToScheme, corev1.AddToScheme, discoveryv1.AddToScheme, v1alpha1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, err
	}
	resources, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	facts := &Facts{}
	for _, version := range scheme.PrioritizedVersionsForGroup(v1alpha1.GroupVersion.Group) {
		facts.Versions = append(facts.Versions, version.Version)
	}
	if facts.Version, err = resources.ServerVersion(); err != nil {
		return nil, fmt.Errorf("read the API server's version: %w", err)
	}
	if facts.Served, err = served(resources, required(o)); err != nil {
		return nil, err
	}
	return facts, facts.gather(ctx, o, c)
}

// resource is one that usher needs.
type resource struct{ version, name string }

func (r resource) String() string { return r.version + "/" + r.name }

// served asks which of the resources there are.
func served(d discovery.DiscoveryInterface, wanted []resource) (map[string]bool, error) {
	found := map[string]bool{}
	for _, r := range wanted {
		list, err := d.ServerResourcesForGroupVersion(r.version)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ask what %s is: %w", r.version, err)
		}
		for _, resource := range list.APIResources {
			if resource.Name == r.name {
				found[r.String()] = true
			}
		}
	}
	return found, nil
}

func (f *Facts) gather(ctx context.Context, o Options, c client.Reader) error {
	f.CRDs = map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, name := range kinds {
		if err := get(ctx, c, f.CRDs, "", name, &apiextensionsv1.CustomResourceDefinition{}); err != nil {
			return err
		}
	}
	f.Secrets = map[string]*corev1.Secret{}
	for _, name := range secrets {
		if err := get(ctx, c, f.Secrets, o.Namespace, name, &corev1.Secret{}); err != nil {
			return err
		}
	}
	if err := f.registrations(ctx, c); err != nil {
		return err
	}
	namespaces := map[string]*corev1.Namespace{}
	if err := get(ctx, c, namespaces, "", o.Namespace, &corev1.Namespace{}); err != nil {
		return err
	}
	f.Namespace = namespaces[o.Namespace]
	endpoints := map[string]*discoveryv1.EndpointSlice{}
	if err := get(ctx, c, endpoints, corev1.NamespaceDefault, apiServerService, &discoveryv1.EndpointSlice{}); err != nil {
		return err
	}
	if slice := endpoints[apiServerService]; slice != nil {
		f.APIServerPorts = portsOf(slice)
	}
	return nil
}

// apiServerService is the API server's own Service; the slice of its endpoints is
// named after it, by the API server itself.
const apiServerService = "kubernetes"

func portsOf(slice *discoveryv1.EndpointSlice) []int32 {
	var ports []int32
	for _, port := range slice.Ports {
		if port.Port != nil {
			ports = append(ports, *port.Port)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// registrations finds the Services that usher's webhook configurations name.
func (f *Facts) registrations(ctx context.Context, c client.Reader) error {
	mutating := map[string]*admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := get(ctx, c, mutating, "", webhookName, &admissionregistrationv1.MutatingWebhookConfiguration{}); err != nil {
		return err
	}
	validating := map[string]*admissionregistrationv1.ValidatingWebhookConfiguration{}
	if err := get(ctx, c, validating, "", webhookName, &admissionregistrationv1.ValidatingWebhookConfiguration{}); err != nil {
		return err
	}
	f.Services = map[string]admissionregistrationv1.ServiceReference{}
	add := func(kind string, client admissionregistrationv1.WebhookClientConfig) {
		if client.Service != nil {
			f.Services[kind] = *client.Service
		}
	}
	for _, configuration := range mutating {
		for _, webhook := range configuration.Webhooks {
			add("MutatingWebhookConfiguration", webhook.ClientConfig)
		}
	}
	for _, configuration := range validating {
		for _, webhook := range configuration.Webhooks {
			add("ValidatingWebhookConfiguration", webhook.ClientConfig)
		}
	}
	return nil
}

// get reads an object into the map, under its name, if it is there.
func get[T client.Object](ctx context.Context, c client.Reader, into map[string]T, namespace, name string, object T) error {
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	into[name] = object
	return nil
}
