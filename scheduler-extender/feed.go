package extender

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/cluster"
)

// Feed keeps a store up to date with an API server.
type Feed struct {
	sources []source
	pulse   *cluster.Pulse
	log     logr.Logger
}

// source is one kind that is watched.
type source struct {
	kind  string
	watch cache.ListerWatcher
	like  runtime.Object
	into  cache.ReflectorStore
}

// NewFeed prepares the watches; Run runs them.
func NewFeed(cfg *rest.Config, s *Store, log logr.Logger) (*Feed, error) {
	pulse := cluster.NewPulse("namespaces", "tenants", "nodes", "gpunodes", "pods")
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(pulse.Wrap)
	core, err := client(cfg, corev1.SchemeGroupVersion, "/api", corev1.AddToScheme)
	if err != nil {
		return nil, err
	}
	usher, err := client(cfg, v1alpha1.GroupVersion, "/apis", v1alpha1.AddToScheme)
	if err != nil {
		return nil, err
	}
	all := fields.Everything()
	// Of pods only those that hold or will hold devices: one that ends is
	// deleted as far as this watch goes.
	holders := fields.ParseSelectorOrDie("spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed")
	list := func(c *rest.RESTClient, resource string, which fields.Selector) cache.ListerWatcher {
		return cache.NewListWatchFromClient(c, resource, "", which)
	}
	return &Feed{log: log, pulse: pulse, sources: []source{
		{"Namespace", list(core, "namespaces", all), &corev1.Namespace{}, sink[*corev1.Namespace]{
			s.SetNamespace, func(n *corev1.Namespace) { s.DeleteNamespace(n.Name) }, s.ReplaceNamespaces,
		}},
		{"Tenant", list(usher, "tenants", all), &v1alpha1.Tenant{}, sink[*v1alpha1.Tenant]{
			s.SetTenant, func(t *v1alpha1.Tenant) { s.DeleteTenant(t.Name) }, s.ReplaceTenants,
		}},
		{"Node", list(core, "nodes", all), &corev1.Node{}, sink[*corev1.Node]{
			s.SetNode, func(n *corev1.Node) { s.DeleteNode(n.Name) }, s.ReplaceNodes,
		}},
		{"GPUNode", list(usher, "gpunodes", all), &v1alpha1.GPUNode{}, sink[*v1alpha1.GPUNode]{
			func(g *v1alpha1.GPUNode) { unreadable(log, s.SetGPUNode(g)) },
			func(g *v1alpha1.GPUNode) { s.DeleteGPUNode(g.Name) },
			func(list []*v1alpha1.GPUNode) { unreadable(log, s.ReplaceGPUNodes(list, time.Now())) },
		}},
		{"Pod", list(core, "pods", holders), &corev1.Pod{}, sink[*corev1.Pod]{s.SetPod, s.DeletePod, s.ReplacePods}},
	}}, nil
}

// Collectors returns the metrics of the watches.
func (f *Feed) Collectors() []prometheus.Collector { return []prometheus.Collector{f.pulse} }

func unreadable(log logr.Logger, err error) {
	if err != nil {
		log.Error(err, "report not used")
	}
}

// client returns a client for one group. Kinds of Kubernetes itself come as
// protobuf.
func client(cfg *rest.Config, version schema.GroupVersion, path string, add func(*runtime.Scheme) error) (*rest.RESTClient, error) {
	scheme := runtime.NewScheme()
	if err := add(scheme); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	of := rest.CopyConfig(cfg)
	of.GroupVersion, of.APIPath = &version, path
	of.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	if version.Group == "" {
		of.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
		of.ContentType = "application/vnd.kubernetes.protobuf"
	}
	c, err := rest.RESTClientFor(of)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return c, nil
}

// retryWatch is the time between attempts to watch, 1 to 8 seconds. By client-go's
// default it grows to a minute, in which the scheduler, back earlier by chance,
// would be answered by what was known before the API server went away.
func retryWatch() *wait.Backoff {
	return &wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 1, Steps: 3, Cap: 4 * time.Second}
}

// Run watches until the context ends. While the API server is away, or does not
// know a kind yet, it tries again.
func (f *Feed) Run(ctx context.Context) error {
	var group errgroup.Group
	for _, s := range f.sources {
		log := f.log.WithValues("kind", s.kind)
		r := cache.NewReflectorWithOptions(s.watch, s.like, s.into, cache.ReflectorOptions{
			Name: "usher-extender/" + s.kind, Logger: &log, Backoff: retryWatch(),
		})
		group.Go(func() error {
			r.RunWithContext(ctx)
			return nil
		})
	}
	return group.Wait()
}

// sink puts what a watch brings where it belongs. Nothing else is kept of it.
type sink[T runtime.Object] struct {
	set     func(T)
	remove  func(T)
	replace func([]T)
}

// Add takes in an object.
func (s sink[T]) Add(o any) error { return s.Update(o) }

// Update takes in an object.
func (s sink[T]) Update(o any) error {
	typed, err := as[T](o)
	if err == nil {
		s.set(typed)
	}
	return err
}

// Delete takes an object away.
func (s sink[T]) Delete(o any) error {
	typed, err := as[T](o)
	if err == nil {
		s.remove(typed)
	}
	return err
}

// Replace takes in all objects at once.
func (s sink[T]) Replace(list []any, _ string) error {
	typed := make([]T, len(list))
	for i := range list {
		var err error
		if typed[i], err = as[T](list[i]); err != nil {
			return err
		}
	}
	s.replace(typed)
	return nil
}

// Resync does nothing: what is known is worked out already.
func (s sink[T]) Resync() error { return nil }

func as[T any](o any) (T, error) {
	typed, ok := o.(T)
	if !ok {
		return typed, fmt.Errorf("got a %T, want a %T", o, typed)
	}
	return typed, nil
}
