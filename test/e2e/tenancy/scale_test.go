package tenancy

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/tenancy"
)

// fleetTenant is a tenant with everything, in as many namespaces as are asked for.
const fleetTenant = `
metadata: {name: %[1]s, labels: {fleet: "true"}}
spec:
  owners:
    - {kind: Group, name: %[1]s-admins, role: Admin}
    - {kind: Group, name: %[1]s-developers, role: Developer}
  namespaces: [%[2]s]
  podSecurity: {enforce: baseline, audit: restricted, warn: restricted}
  nodePool: {}
  quota: {pods: "1000", requests.cpu: "100"}
  resourceQuota: {hard: {pods: "100", requests.cpu: "100", requests.memory: 200Gi, services: "50", configmaps: "100"}}
  limitRange:
    limits: [{type: Container, max: {cpu: "8", memory: 16Gi}, default: {cpu: "1", memory: 1Gi}, defaultRequest: {cpu: 500m, memory: 512Mi}}]
  network:
    egress: [{cidr: 0.0.0.0/0, ports: [{port: 443}]}]
`

// number reads a size of the fleet from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestAFleetOfTenants has the controller make USHER_TENANTS tenants with
// USHER_TENANT_NAMESPACES namespaces each, and then start again where all is as
// it should be: it writes nothing, and reads nothing but what it watches.
func TestAFleetOfTenants(t *testing.T) {
	tenants, namespaces := number(t, "USHER_TENANTS", 20), number(t, "USHER_TENANT_NAMESPACES", 3)
	patience := time.Minute + time.Duration(tenants*namespaces)*500*time.Millisecond
	empty := heap()
	first := shared.run(t)
	add := shared.tenant
	if os.Getenv("USHER_TENANTS") != "" {
		// The cluster has no other use: it goes with them.
		add = shared.lastingTenant
	}
	began := time.Now()
	for n := range tenants {
		name := fmt.Sprintf("fleet-%d", n)
		var listed []string
		for m := range namespaces {
			listed = append(listed, fmt.Sprintf("%s-%d", name, m))
		}
		add(t, fmt.Sprintf(fleetTenant, name, strings.Join(listed, ", ")))
	}
	awaitFleet(t, tenants, patience)
	took := time.Since(began).Round(time.Second)
	first.awaitIdle(t, patience)
	made := first.calls.snapshot()
	used := heap() - empty
	first.stop()

	second := shared.run(t)
	second.awaitIdle(t, patience)
	var all v1alpha1.TenantList
	if err := shared.List(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for verb, n := range second.calls.snapshot() {
		// An informer lists and watches each of seven kinds once; the rest is discovery.
		if verb != "get" && !strings.HasPrefix(verb, "watch ") && (!strings.HasPrefix(verb, "get ") || n > 1) {
			t.Errorf("at rest: %d times %q", n, verb)
		}
	}
	t.Logf("%d tenants, %d namespaces, %d objects: ready after %s; %d MiB of heap; requests:\n%s",
		tenants, tenants*namespaces, count(t), took, used>>20, table(made))
}

func table(calls map[string]int) string {
	var out strings.Builder
	for _, verb := range slices.Sorted(maps.Keys(calls)) {
		fmt.Fprintf(&out, "%8d %s\n", calls[verb], verb)
	}
	return out.String()
}

// awaitFleet waits until all tenants are ready.
func awaitFleet(t *testing.T, tenants int, patience time.Duration) {
	t.Helper()
	awaitFor(t, patience, "the fleet is ready", func() error {
		var list v1alpha1.TenantList
		if err := shared.List(t.Context(), &list, client.MatchingLabels{"fleet": "true"}); err != nil {
			return err
		}
		ready := 0
		for _, tenant := range list.Items {
			if apimeta.IsStatusConditionTrue(tenant.Status.Conditions, v1alpha1.ConditionReady) {
				ready++
			}
		}
		if ready < tenants {
			return fmt.Errorf("%d of %d", ready, tenants)
		}
		return nil
	})
}

// awaitIdle waits until a controller has looked at what it has to look at: it asks
// for nothing, and reconciles nothing, for a while.
func (r *running) awaitIdle(t *testing.T, patience time.Duration) {
	t.Helper()
	last, since := 0, time.Now()
	awaitFor(t, patience, "the controller has nothing to do", func() error {
		done := int(reconciliations())
		for _, n := range r.calls.snapshot() {
			done += n
		}
		if done != last {
			last, since = done, time.Now()
		}
		if quiet := time.Since(since); quiet < 3*time.Second {
			return fmt.Errorf("%d requests and reconciliations, quiet for %s", done, quiet)
		}
		return nil
	})
}

// reconciliations counts those of all tenancy controllers of this process.
func reconciliations() float64 {
	families, err := metrics.Registry.Gather()
	if err != nil {
		return 0
	}
	var sum float64
	for _, family := range families {
		if family.GetName() != "controller_runtime_reconcile_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			if isOfTenancy(metric) {
				sum += metric.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func isOfTenancy(metric *dto.Metric) bool {
	return slices.ContainsFunc(metric.GetLabel(), func(label *dto.LabelPair) bool { return label.GetValue() == "tenancy" })
}

// heap is what is in use once all garbage is gone, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// count is how many objects usher has made.
func count(t *testing.T) int {
	t.Helper()
	sum := 0
	for _, list := range managedLists() {
		if err := shared.List(t.Context(), list, client.MatchingLabels{tenancy.ManagedByLabel: tenancy.ManagedBy}); err != nil {
			t.Fatal(err)
		}
		sum += len(objects(t, list))
	}
	var namespaces corev1.NamespaceList
	if err := shared.List(t.Context(), &namespaces, client.MatchingLabels{tenancy.MadeLabel: "true"}); err != nil {
		t.Fatal(err)
	}
	return sum + len(namespaces.Items)
}

// awaitFor is awaitTrue with a patience of its own.
func awaitFor(t testing.TB, patience time.Duration, what string, holds func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s: %v", patience, what, err)
		}
		time.Sleep(500 * time.Millisecond)
	}
}
