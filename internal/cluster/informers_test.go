package cluster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"

	"usher.dev/usher/internal/cluster"
)

// watching returns informers on a server, which run until the test ends.
func watching(t *testing.T, s *fakeAPIServer) *cluster.Informers {
	t.Helper()
	i, err := cluster.NewInformers(&rest.Config{Host: s.URL}, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- i.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		s.CloseClientConnections()
		if err := <-ended; err != nil {
			t.Error("watching ended:", err)
		}
	})
	return i
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for", what)
		}
	}
}

func tenantLabel(t *testing.T, i *cluster.Informers, namespace string) any {
	t.Helper()
	ns, err := i.Namespace(t.Context(), namespace)
	if err != nil || ns == nil {
		t.Fatalf("namespace %s: %v, %v", namespace, ns, err)
	}
	labels, _ := ns["metadata"].(map[string]any)["labels"].(map[string]any)
	return labels["tenant"]
}

func TestInformersAnswerFromMemoryAndFollowTheWatch(t *testing.T) {
	s := newFakeAPIServer(t)
	s.put("namespaces", "team", object{"metadata": object{"labels": object{"tenant": "a"}, "managedFields": []object{{"manager": "kubectl"}}}})
	s.put("tenants", "a", object{"spec": object{"nodePool": object{}}})
	i := watching(t, s)
	waitFor(t, "the watches to be in sync", func() bool { return i.Current() == nil })
	if got := tenantLabel(t, i, "team"); got != "a" {
		t.Errorf("tenant %v", got)
	}
	tenant, err := i.Tenant(t.Context(), "a")
	if err != nil || tenant["spec"] == nil {
		t.Errorf("tenant %v, %v", tenant, err)
	}
	ns, _ := i.Namespace(t.Context(), "team")
	if ns["metadata"].(map[string]any)["managedFields"] != nil {
		t.Error("managed fields are kept in memory")
	}
	s.set(func() {
		if s.gets != 0 {
			t.Errorf("%d gets", s.gets)
		}
	})
	s.put("namespaces", "team", object{"metadata": object{"labels": object{"tenant": "b"}}})
	waitFor(t, "the new label", func() bool { return tenantLabel(t, i, "team") == "b" })
}

func TestWhatTheWatchHasNotBroughtYetIsLookedUp(t *testing.T) {
	s := newFakeAPIServer(t)
	i := watching(t, s)
	waitFor(t, "the watches to be in sync", func() bool { return i.Current() == nil })
	s.set(func() { s.unseen["new"] = true })
	s.put("namespaces", "new", object{"metadata": object{"labels": object{"tenant": "a"}}})
	s.put("tenants", "new", object{})
	if got := tenantLabel(t, i, "new"); got != "a" {
		t.Errorf("tenant %v", got)
	}
	if tenant, err := i.Tenant(t.Context(), "new"); err != nil || tenant == nil {
		t.Errorf("tenant %v, %v", tenant, err)
	}
	for _, get := range []func(context.Context, string) (map[string]any, error){i.Namespace, i.Tenant} {
		if got, err := get(t.Context(), "nowhere"); got != nil || err != nil {
			t.Errorf("what does not exist: %v, %v", got, err)
		}
	}
	s.set(func() { s.down = true })
	if got, err := i.Namespace(t.Context(), "nowhere"); got != nil || err == nil || !strings.Contains(err.Error(), "the API server is down") {
		t.Errorf("without the API server: %v, %v", got, err)
	}
}

func TestBeforeTheWatchesRunNothingIsKnown(t *testing.T) {
	s := newFakeAPIServer(t)
	s.put("namespaces", "team", object{})
	i, err := cluster.NewInformers(&rest.Config{Host: s.URL}, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	if i.Current() == nil {
		t.Error("in sync before the start")
	}
	if ns, err := i.Namespace(t.Context(), "team"); ns != nil || err == nil {
		t.Errorf("namespace %v, %v; want an error", ns, err)
	}
}

func TestInformersWaitForAnAPIServerAndForTheTenantKind(t *testing.T) {
	s := newFakeAPIServer(t)
	s.put("namespaces", "team", object{"metadata": object{"labels": object{"tenant": "a"}}})
	s.put("tenants", "a", object{})
	s.set(func() { s.down, s.tenants = true, false })
	i := watching(t, s)
	time.Sleep(200 * time.Millisecond)
	s.set(func() { s.down = false })
	waitFor(t, "namespaces, while there are no tenants", func() bool {
		ns, err := i.Namespace(t.Context(), "team")
		return err == nil && ns != nil
	})
	if i.Current() == nil {
		t.Error("in sync without tenants")
	}
	if tenant, err := i.Tenant(t.Context(), "a"); tenant != nil || err == nil {
		t.Errorf("a tenant before its kind is installed: %v, %v; want an error", tenant, err)
	}
	s.set(func() { s.tenants = true })
	waitFor(t, "the watches to be in sync", func() bool { return i.Current() == nil })
	if tenant, err := i.Tenant(t.Context(), "a"); tenant == nil || err != nil {
		t.Errorf("tenant %v, %v", tenant, err)
	}
}

func TestAWatchThatFallsSilentIsNoticed(t *testing.T) {
	s := newFakeAPIServer(t)
	i := watching(t, s)
	waitFor(t, "the watches to be in sync", func() bool { return i.Current() == nil })
	i.Patience = 100 * time.Millisecond
	waitFor(t, "the silence to be noticed", func() bool {
		err := i.Current()
		return err != nil && strings.Contains(err.Error(), "has been silent for")
	})
	i.Patience = time.Minute
	if err := i.Current(); err != nil {
		t.Error("within patience:", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(i.Collectors()...)
	heard := func() float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		return families[0].GetMetric()[0].GetGauge().GetValue()
	}
	before := heard()
	if before == 0 {
		t.Error("the watch on namespaces was never heard")
	}
	s.put("namespaces", "new", object{})
	waitFor(t, "the watch to be heard", func() bool { return heard() > before })
}

func TestAllTenantsAreThoseInMemory(t *testing.T) {
	s := newFakeAPIServer(t)
	s.put("tenants", "b", object{"spec": object{"namespaces": []string{"n"}}})
	s.put("tenants", "a", object{"status": object{"conditions": []object{{"type": "Accepted", "status": "False"}}}})
	i := watching(t, s)
	waitFor(t, "the watches to be in sync", func() bool { return i.Current() == nil })
	tenants, err := i.Tenants(t.Context())
	if diff := cmp.Diff([]string{"a", "b"}, names(tenants)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	// Who is refused claims all the same.
	if tenants[0]["status"] == nil || tenants[1]["spec"] == nil {
		t.Errorf("tenants %v", tenants)
	}
	s.set(func() {
		if s.gets != 0 {
			t.Errorf("%d gets", s.gets)
		}
	})
	s.put("tenants", "c", object{})
	waitFor(t, "the new tenant", func() bool {
		tenants, err := i.Tenants(t.Context())
		return err == nil && len(tenants) == 3
	})
}

func TestTenantsAreUnknownBeforeTheWatchesRun(t *testing.T) {
	s := newFakeAPIServer(t)
	i, err := cluster.NewInformers(&rest.Config{Host: s.URL}, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	if tenants, err := i.Tenants(t.Context()); tenants != nil || err == nil {
		t.Errorf("tenants %v, %v; want an error", tenants, err)
	}
}
