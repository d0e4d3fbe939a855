package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
	"usher.dev/usher/tenancy"
)

// askAgain is the time between two questions whether the API server is there and
// knows usher's kinds.
const askAgain = 2 * time.Second

// kept is what the cache keeps of every kind that a part watches. No two parts
// say it of one kind.
func kept() map[client.Object]cache.ByObject {
	byObject := tenancy.CacheByObject()
	maps.Copy(byObject, quota.CacheOptions())
	return byObject
}

// await waits for the API server to be there and to know usher's kinds, which may
// be installed after the controller. It returns what to keep of the kinds that
// this cluster has: before Kubernetes 1.34 there are no ResourceClaims of v1.
func (c *controller) await(ctx context.Context) (map[client.Object]cache.ByObject, error) {
	for {
		known, err := c.known()
		if err == nil {
			c.progress.waiting(errors.New("the caches are not in sync yet"))
			return known, nil
		}
		c.progress.waiting(err)
		c.log.Error(err, "cannot begin yet")
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(askAgain):
		}
	}
}

// known are those of the kept kinds that the cluster has. An error says that one
// is missing without which nothing can be done, or cannot be asked for.
func (c *controller) known() (map[client.Object]cache.ByObject, error) {
	known, missing := map[client.Object]cache.ByObject{}, []string{}
	for object, keep := range kept() {
		kind, err := apiutil.GVKForObject(object, c.scheme)
		if err != nil {
			return nil, err
		}
		_, err = c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
		switch {
		case err == nil:
			known[object] = keep
		case !meta.IsNoMatchError(err):
			return nil, fmt.Errorf("ask the API server for the kind %s: %w", kind.Kind, err)
		case kind.Group == v1alpha1.GroupVersion.Group:
			return nil, fmt.Errorf("the cluster does not know the kind %s; install usher's CRDs (manifests/crd)", kind.Kind)
		default:
			missing = append(missing, kind.GroupVersion().String()+" "+kind.Kind)
		}
	}
	if len(missing) > 0 {
		c.log.Info("the cluster does not know some kinds; they are not watched", "kinds", missing)
	}
	return known, nil
}
