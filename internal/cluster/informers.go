package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"usher.dev/usher/api/v1alpha1"
)

var (
	namespaceKind = schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	tenantKind    = v1alpha1.GroupVersion.WithKind("Tenant")
)

// retryWatch is the time between attempts to begin a watch.
const retryWatch = time.Second

// liveTimeout bounds the one live look at an object that the watch has not
// brought yet.
const liveTimeout = 2 * time.Second

// Informers reads Namespaces and Tenants from the API server: from memory,
// kept up to date by a watch, and live where memory has nothing.
type Informers struct {
	// Patience is how long a watch may be silent. Default: the constant.
	Patience time.Duration

	cache  cache.Cache
	live   client.Client
	log    logr.Logger
	synced atomic.Bool
	pulse  *Pulse
}

// watched are the resources of the kinds that are watched.
var watched = []string{"namespaces", "tenants"}

// NewInformers prepares the watches; Start runs them.
func NewInformers(cfg *rest.Config, log logr.Logger) (*Informers, error) {
	pulse := NewPulse(watched...)
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(pulse.Wrap)
	// The mapper asks the API server when it is first needed, not now.
	httpClient, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	mapper, err := apiutil.NewDynamicRESTMapper(cfg, httpClient)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	live, err := client.New(cfg, client.Options{HTTPClient: httpClient, Mapper: mapper})
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	noCopy := true // nobody changes what Namespace and Tenant return
	c, err := cache.New(cfg, cache.Options{
		HTTPClient:                   httpClient,
		Mapper:                       mapper,
		DefaultTransform:             cache.TransformStripManagedFields(),
		DefaultUnsafeDisableDeepCopy: &noCopy,
		ReaderFailOnMissingInformer:  true,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare watches: %w", err)
	}
	return &Informers{Patience: Patience, cache: c, live: live, log: log, pulse: pulse}, nil
}

// Start watches until the context ends. While the API server is away, or does
// not know Tenants yet, it tries again.
func (i *Informers) Start(ctx context.Context) error {
	go func() {
		for _, kind := range []schema.GroupVersionKind{namespaceKind, tenantKind} {
			for {
				_, err := i.cache.GetInformer(ctx, newObject(kind), cache.BlockUntilSynced(false))
				if err == nil {
					break
				}
				i.log.Error(err, "cannot watch yet", "kind", kind.Kind)
				select {
				case <-ctx.Done():
					return
				case <-time.After(retryWatch):
				}
			}
		}
		i.synced.Store(i.cache.WaitForCacheSync(ctx))
	}()
	return i.cache.Start(ctx)
}

// Current says why what is in memory may not be what the API server has, nil if
// it is: every watch has brought everything once, and none has fallen silent.
func (i *Informers) Current() error {
	if !i.synced.Load() {
		return errors.New("the watches on namespaces and tenants are not in sync yet")
	}
	return i.pulse.check(i.Patience, watched...)
}

// Collectors returns the metrics of the watches.
func (i *Informers) Collectors() []prometheus.Collector { return []prometheus.Collector{i.pulse} }

// Namespace returns a namespace, nil if it does not exist.
func (i *Informers) Namespace(ctx context.Context, name string) (map[string]any, error) {
	return i.get(ctx, namespaceKind, name)
}

// Tenant returns a tenant, nil if it does not exist, and its metadata alone where
// usher-controller does not accept it.
func (i *Informers) Tenant(ctx context.Context, name string) (map[string]any, error) {
	tenant, err := i.get(ctx, tenantKind, name)
	return granting(tenant), err
}

// Tenants returns all tenants, in order of their names. One that is newer than
// the watch is not among them.
func (i *Informers) Tenants(ctx context.Context) ([]map[string]any, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(tenantKind.GroupVersion().WithKind(tenantKind.Kind + "List"))
	if err := i.cache.List(ctx, list); err != nil {
		return nil, err
	}
	tenants := make([]map[string]any, len(list.Items))
	for n := range list.Items {
		tenants[n] = list.Items[n].Object
	}
	slices.SortFunc(tenants, byName)
	return tenants, nil
}

func byName(a, b map[string]any) int { return cmp.Compare(nameOf(a), nameOf(b)) }

func nameOf(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	return name
}

func (i *Informers) get(ctx context.Context, kind schema.GroupVersionKind, name string) (map[string]any, error) {
	object := newObject(kind)
	err := i.cache.Get(ctx, types.NamespacedName{Name: name}, object)
	if apierrors.IsNotFound(err) {
		// It may be newer than the watch: a namespace and its first pod often
		// come in one breath.
		ctx, cancel := context.WithTimeout(ctx, liveTimeout)
		defer cancel()
		err = i.live.Get(ctx, types.NamespacedName{Name: name}, object)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return object.Object, nil
}

func newObject(kind schema.GroupVersionKind) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object
}
