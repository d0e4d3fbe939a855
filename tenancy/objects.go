package tenancy

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// ReasonDriftRepaired is that of Events about what somebody changed.
const ReasonDriftRepaired = "DriftRepaired"

func isBinding(o client.Object) bool {
	_, ok := o.(*rbacv1.RoleBinding)
	return ok
}

// wanted are the keys of all objects that are to be there.
func (r *run) wanted() map[string]bool {
	keys := map[string]bool{}
	for namespace := range r.own {
		objects := isolation(r.tenant, r.options.TenantLabel, namespace)
		if !r.contested(namespace) {
			objects = append(objects, access(r.tenant, namespace)...)
		}
		if len(r.tenant.Spec.Quota) > 0 {
			objects = append(objects, newShare(r.tenant, namespace, ""))
		}
		for _, o := range objects {
			keys[keyOf(o)] = true
		}
	}
	return keys
}

// removeUnwanted deletes what was made for the tenant and is not wanted any more,
// of some kinds: what the spec has dropped, and what stands in a namespace that
// was the tenant's. A namespace that is being deleted takes it along.
func (r *run) removeUnwanted(ctx context.Context, wanted map[string]bool, of func(client.Object) bool) {
	for _, o := range r.sortedManaged() {
		if !of(o) || wanted[keyOf(o)] {
			continue
		}
		if ns, ok := r.own[o.GetNamespace()]; ok && isTerminating(ns) {
			continue
		}
		if err := r.remove(ctx, o); err != nil {
			r.fail("remove "+r.describe(o), err)
		}
	}
}

// remove deletes an object as it was seen, not what somebody has made of it since.
func (r *Reconciler) remove(ctx context.Context, o client.Object) error {
	uid, version := o.GetUID(), o.GetResourceVersion()
	return client.IgnoreNotFound(r.client.Delete(ctx, o, client.Preconditions{UID: &uid, ResourceVersion: &version}))
}

// isolate makes what bounds the tenant in one of its namespaces.
func (r *run) isolate(ctx context.Context, namespace string) {
	for _, want := range isolation(r.tenant, r.options.TenantLabel, namespace) {
		r.ensure(ctx, want)
	}
}

// ensure makes an object what is wanted.
func (r *run) ensure(ctx context.Context, want client.Object) {
	live := r.managed[keyOf(want)]
	cached := ""
	if live != nil {
		cached = live.GetResourceVersion()
		if isSame(want, live) || r.tolerated.is(live, want) {
			return
		}
	}
	if left, pending := r.recent.pending(want, cached); pending {
		r.lookAgain(left)
		return
	}
	if live != nil && isImmutable(want, live) {
		if err := r.remove(ctx, live); err != nil {
			r.fail("remove "+r.describe(want), err)
			return
		}
	}
	written, err := r.write(ctx, want)
	if err != nil {
		r.fail("apply "+r.describe(want), err)
		return
	}
	r.recent.wrote(written)
	r.managed[keyOf(want)] = written
	if r.wasReady(want.GetNamespace()) {
		r.repaired(want, "was not as the Tenant wants it")
	}
}

// write applies an object and, where others own more of it than they should,
// replaces it whole.
func (r *Reconciler) write(ctx context.Context, want client.Object) (client.Object, error) {
	written, err := r.apply(ctx, want)
	if apierrors.IsInvalid(err) {
		// Of an object of that name which was not usher's, the cache knows nothing.
		var removed bool
		if removed, err = r.removeImmutable(ctx, want, err); removed {
			written, err = r.apply(ctx, want)
		}
	}
	if err != nil || isSame(want, written) {
		return written, err
	}
	if err := r.replace(ctx, want, written); err != nil {
		return nil, err
	}
	if !isSame(want, written) {
		r.tolerated.add(written, want)
	}
	return written, nil
}

// replace makes an object what is wanted, whoever owns what of it.
func (r *Reconciler) replace(ctx context.Context, want, live client.Object) error {
	patch := []map[string]any{{"op": "test", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()}}
	for field, value := range content(want) {
		patch = append(patch, map[string]any{"op": "add", "path": "/" + field, "value": value})
	}
	encoded, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	return r.client.Patch(ctx, live, client.RawPatch(types.JSONPatchType, encoded), client.FieldOwner(FieldManager))
}

func (r *Reconciler) apply(ctx context.Context, want client.Object) (client.Object, error) {
	kind, err := apiutil.GVKForObject(want, r.client.Scheme())
	if err != nil {
		return nil, err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(want)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	o := &unstructured.Unstructured{Object: content}
	o.SetGroupVersionKind(kind)
	unstructured.RemoveNestedField(o.Object, "metadata", "creationTimestamp")
	unstructured.RemoveNestedField(o.Object, "status")
	if err := r.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner(FieldManager), client.ForceOwnership); err != nil {
		return nil, err
	}
	written, err := r.client.Scheme().New(kind)
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, written); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	out, _ := written.(client.Object)
	return out, nil
}

// removeImmutable deletes an object that stands in the way and cannot be changed.
// Otherwise it returns the error that led here.
func (r *Reconciler) removeImmutable(ctx context.Context, want client.Object, cause error) (bool, error) {
	live, _ := want.DeepCopyObject().(client.Object)
	if err := r.live.Get(ctx, client.ObjectKeyFromObject(want), live); err != nil || !isImmutable(want, live) {
		return false, cause
	}
	return true, r.remove(ctx, live)
}

// describe names an object as people do.
func (r *Reconciler) describe(o client.Object) string {
	kind, err := apiutil.GVKForObject(o, r.client.Scheme())
	if err != nil {
		return keyOf(o)
	}
	if o.GetNamespace() == "" {
		return fmt.Sprintf("%s %s", kind.Kind, o.GetName())
	}
	return fmt.Sprintf("%s %s/%s", kind.Kind, o.GetNamespace(), o.GetName())
}

// tolerated are objects that the API server stores otherwise than they were
// written: with a default that this usher does not know. They are as good as they
// get while neither they nor what is wanted changes.
type tolerated struct {
	mu       sync.Mutex
	versions map[string]toleratedVersion
}

type toleratedVersion struct {
	version string
	want    client.Object
}

func newTolerated() *tolerated { return &tolerated{versions: map[string]toleratedVersion{}} }

func (t *tolerated) add(live, want client.Object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.versions[keyOf(live)] = toleratedVersion{live.GetResourceVersion(), want}
}

func (t *tolerated) is(live, want client.Object) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.versions[keyOf(live)]
	return ok && known.version == live.GetResourceVersion() && isSame(want, known.want)
}
