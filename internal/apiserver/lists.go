package apiserver

import (
	"os"
	"sync"

	"k8s.io/client-go/features"
)

// listPlainly makes caches of this process fill themselves with a list and then
// watch. Since 0.35 client-go streams the list through the watch and waits for the
// bookmark that ends it; where a server or a proxy between sends none, the cache
// waits for good and nothing says why, and a replica of usher never becomes ready.
// $KUBE_FEATURE_WatchListClient, if it is set, decides instead.
var listPlainly = sync.OnceFunc(func() {
	if _, said := os.LookupEnv("KUBE_FEATURE_" + string(features.WatchListClient)); !said {
		features.ReplaceFeatureGates(plainLists{features.FeatureGates()})
	}
})

type plainLists struct{ features.Gates }

func (g plainLists) Enabled(f features.Feature) bool {
	return f != features.WatchListClient && g.Gates.Enabled(f)
}
