package ledger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
	"usher.dev/usher/test/e2e/await"
)

const (
	// short is a TTL for tests that wait for it. The requests of these tests end
	// within milliseconds.
	short = 3 * time.Second
	// long is one that no test waits for.
	long = time.Hour
)

// settler is a controller's manager with nothing but a settler in it.
type settler struct {
	*quota.Settler
	stop func()
}

// startSettler starts a settler, until the test ends or stops it.
func startSettler(t *testing.T, ttl time.Duration) *settler {
	t.Helper()
	weights, err := quota.ParseWeights(nil)
	if err != nil {
		t.Fatal(err)
	}
	again := true // one test after the other starts the same controller
	mgr, err := ctrl.NewManager(plane.Config(), ctrl.Options{
		Scheme: scheme(), Logger: logr.Discard(),
		Cache:      cache.Options{ByObject: quota.CacheOptions()},
		Metrics:    server.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: &again},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &settler{Settler: quota.NewSettler(quota.SettlerOptions{
		TenantLabel: tenantLabel, TTL: ttl,
		Counter: func(tenant *v1alpha1.Tenant) (quota.Counter, error) { return weights.For(tenant) },
	})}
	if err := s.SetupWithManager(mgr); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		ended <- nil
	}
	t.Cleanup(s.stop)
	awaitWatching(t)
	return s
}

// awaitWatching waits until a settler sees tenants come. Those that were there
// before it are counted only after a TTL, since it cannot know whether they had a
// ledger.
func awaitWatching(t *testing.T) {
	t.Helper()
	var probes []*v1alpha1.Tenant
	await.Success(t, patience, "a new tenant's ledger is counted", func() (any, error) {
		probe := &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{GenerateName: "probe-"}, Spec: v1alpha1.TenantSpec{GPU: &v1alpha1.GPULimits{}}}
		if err := admin.Create(t.Context(), probe); err != nil {
			return nil, err
		}
		probes = append(probes, probe)
		for _, p := range probes {
			if ledger, err := ledgerNow(t.Context(), p.Name); err == nil && ledger.Status.Counted != nil {
				return nil, nil
			}
		}
		return nil, errors.New("none is")
	})
	for _, p := range probes {
		if err := admin.Delete(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}

// metric is the value of one of the settler's metrics; labels are in order of name.
func (s *settler) metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(s.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if f.GetName() == name && fmt.Sprint(values) == fmt.Sprint(labels) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
