package quota

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/cluster"
)

// What the settler looks objects up by, in its manager's cache.
const (
	tenantIndex = "usher.dev/ledger-tenant"
	nodeIndex   = "usher.dev/ledger-node"
)

// tenantsAtOnce is how many tenants are settled at the same time.
const tenantsAtOnce = 4

type queue = workqueue.TypedRateLimitingInterface[ctrl.Request]

// SetupWithManager makes the settler run in a manager, whose cache has
// CacheOptions.
func (s *Settler) SetupWithManager(mgr ctrl.Manager) error {
	store, err := newStore(mgr.GetConfig(), "usher-controller")
	if err != nil {
		return err
	}
	s.store, s.cache, s.live, s.events = store, mgr.GetClient(), mgr.GetAPIReader(), mgr.GetEventRecorder("usher-controller")
	if err := mgr.Add(&cluster.History{Version: store.version, Log: mgr.GetLogger()}); err != nil {
		return fmt.Errorf("watch the cluster's history: %w", err)
	}
	ctx, indexer := context.Background(), mgr.GetFieldIndexer()
	if err := indexer.IndexField(ctx, &corev1.Namespace{}, tenantIndex, func(o client.Object) []string { return present(s.tenantIn(o)) }); err != nil {
		return fmt.Errorf("index Namespaces by tenant: %w", err)
	}
	if err := indexer.IndexField(ctx, &corev1.Pod{}, nodeIndex, boundTo); err != nil {
		return fmt.Errorf("index Pods by node: %w", err)
	}
	b := ctrl.NewControllerManagedBy(mgr).Named("ledger").
		WithOptions(controller.Options{MaxConcurrentReconciles: tenantsAtOnce}).
		Watches(&v1alpha1.Tenant{}, s.tenants(), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.QuotaLedger{}, &handler.EnqueueRequestForObject{}).
		Watches(&corev1.Namespace{}, s.namespaces()).
		Watches(&corev1.Pod{}, s.objects(v1alpha1.KindPod), builder.WithPredicates(predicate.NewPredicateFuncs(func(o client.Object) bool {
			pod, ok := o.(*corev1.Pod)
			return ok && mayHold(pod)
		}))).
		Watches(&v1alpha1.GPUNode{}, handler.EnqueueRequestsFromMapFunc(s.onNode), builder.WithPredicates(sharesChanged()))
	_, err = mgr.GetRESTMapper().RESTMapping(resourcev1.SchemeGroupVersion.WithKind("ResourceClaim").GroupKind(), resourcev1.SchemeGroupVersion.Version)
	switch {
	case err == nil:
		s.claims = true
		b = b.Watches(&resourcev1.ResourceClaim{}, s.objects(v1alpha1.KindClaim))
	case meta.IsNoMatchError(err):
		mgr.GetLogger().Info("the cluster has no resource.k8s.io/v1 ResourceClaims; none are counted")
	default:
		return fmt.Errorf("ask for ResourceClaims: %w", err)
	}
	return b.Complete(s)
}

// tenants notes which tenants are new.
func (s *Settler) tenants() handler.EventHandler {
	enqueue := func(o client.Object, q queue) { ask(q, o.GetName()) }
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) {
			if !e.IsInInitialList {
				m := s.remember(e.Object.GetName())
				s.mu.Lock()
				m.born = true
				s.mu.Unlock()
			}
			enqueue(e.Object, q)
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { enqueue(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { enqueue(e.Object, q) },
	}
}

// namespaces settles the tenants that gain or lose a namespace.
func (s *Settler) namespaces() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { ask(q, s.tenantIn(e.Object)) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			if was, is := s.tenantIn(e.ObjectOld), s.tenantIn(e.ObjectNew); was != is {
				ask(q, was)
				ask(q, is)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { ask(q, s.tenantIn(e.Object)) },
	}
}

// objects settles the tenants of pods or claims that come, change or go, and
// notes those that go.
func (s *Settler) objects(kind string) handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			s.departures.forget(e.Object.GetUID())
			ask(q, s.tenantOf(ctx, e.Object))
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			if changed(e.ObjectOld, e.ObjectNew) {
				ask(q, s.tenantOf(ctx, e.ObjectNew))
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) {
			if !e.DeleteStateUnknown {
				gone := identity(kind, e.Object)
				s.departures.note(&gone, time.Now())
			}
			ask(q, s.tenantOf(ctx, e.Object))
		},
	}
}

// onNode names the tenants with pods on a node.
func (s *Settler) onNode(ctx context.Context, node client.Object) []ctrl.Request {
	var pods corev1.PodList
	if err := s.cache.List(ctx, &pods, client.MatchingFields{nodeIndex: node.GetName()}); err != nil {
		return nil
	}
	seen := map[string]bool{"": true}
	var out []ctrl.Request
	for i := range pods.Items {
		if tenant := s.tenantOf(ctx, &pods.Items[i]); !seen[tenant] {
			seen[tenant] = true
			out = append(out, request(tenant))
		}
	}
	return out
}

// tenantIn is the tenant that a namespace names; empty: none.
func (s *Settler) tenantIn(namespace client.Object) string {
	return namespace.GetLabels()[s.options.TenantLabel]
}

// tenantOf is the tenant in whose namespace an object is. One that the cache does
// not know yet will tell of itself.
func (s *Settler) tenantOf(ctx context.Context, o client.Object) string {
	namespace := &corev1.Namespace{}
	if err := s.cache.Get(ctx, types.NamespacedName{Name: o.GetNamespace()}, namespace); err != nil {
		return ""
	}
	return s.tenantIn(namespace)
}

func ask(q queue, tenant string) {
	if tenant != "" {
		q.Add(request(tenant))
	}
}

func request(tenant string) ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Name: tenant}}
}
