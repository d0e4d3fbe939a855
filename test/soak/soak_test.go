package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/soak/fakeapi"
)

var (
	duration = flag.Duration("duration", 5*time.Second, "how long GPUNodes change")
	nodes    = flag.Int("nodes", 1000, "how many GPUNodes there are")
	rate     = flag.Int("rate", 500, "how many of them change a second")
)

// TestChangingGPUNodes changes the holders of GPUs on random nodes at a steady
// rate, and asks meanwhile and afterwards which nodes have GPUs to spare.
func TestChangingGPUNodes(t *testing.T) {
	api := fakeapi.NewServer()
	t.Cleanup(api.CloseClientConnections)
	api.ServeNamespaced(schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, "pods")
	for plural, kind := range map[string]string{"nodes": "Node", "namespaces": "Namespace"} {
		api.Serve(schema.GroupVersionKind{Version: "v1", Kind: kind}, plural)
	}
	api.Serve(v1alpha1.GroupVersion.WithKind("Tenant"), "tenants")
	fleet := newFleet(t, api.Serve(v1alpha1.GroupVersion.WithKind("GPUNode"), "gpunodes"), *nodes)
	e := startExtender(t, api.URL)

	var samples []sample
	var delays []time.Duration
	start := time.Now()
	for done := 0; time.Since(start) < *duration; {
		for range *rate {
			// Changes that are late, for the questions between them, are made up for.
			done++
			time.Sleep(time.Until(start.Add(time.Second * time.Duration(done) / time.Duration(*rate))))
			fleet.change(t, fleet.random.IntN(len(fleet.reports)), fleet.random.IntN(9))
		}
		delays = append(delays, fleet.seen(t, e))
		samples = append(samples, sample{
			resident: e.metric(t, "process_resident_memory_bytes"),
			heap:     e.metric(t, "go_memstats_heap_alloc_bytes"),
			routines: e.metric(t, "go_goroutines"),
			cpu:      e.metric(t, "process_cpu_seconds_total"),
		})
	}
	took := time.Since(start)

	for gpus := 1; gpus <= 8; gpus++ {
		eventually(t, time.Minute, fmt.Sprintf("the extender knows who has %d free GPUs", gpus), func() error {
			fit, err := e.fit(t.Context(), fleet.names, gpus)
			if err != nil {
				return err
			}
			for i, name := range fleet.names {
				if free := 8 - fleet.held[i]; fit[name] != (free >= gpus) {
					return fmt.Errorf("%s has %d free GPUs, and fits: %v", name, free, fit[name])
				}
			}
			return nil
		})
	}
	slices.Sort(delays)
	first, last := samples[len(samples)/4], samples[len(samples)-1]
	t.Logf("%d GPUNodes, %d changes in %s (%.0f a second)", len(fleet.names), fleet.changes, took.Round(time.Second), float64(fleet.changes)/took.Seconds())
	t.Logf("answers are by a change %s after it in the median, %s at most", delays[len(delays)/2].Round(time.Millisecond), delays[len(delays)-1].Round(time.Millisecond))
	for _, at := range []int{0, len(samples) / 4, len(samples) / 2, len(samples) * 3 / 4, len(samples) - 1} {
		t.Logf("after %2d s: %s", at+1, samples[at])
	}
	t.Logf("the extender took %.0f %% of one core, answers included", 100*(last.cpu-samples[0].cpu)/took.Seconds())
	if last.resident > 1.25*first.resident {
		t.Errorf("the extender has grown from %.0f to %.0f MB", first.resident/1e6, last.resident/1e6)
	}
	if last.routines > first.routines+10 {
		t.Errorf("there were %.0f goroutines, and are %.0f", first.routines, last.routines)
	}
}

// sample is what the extender uses at one moment: bytes, and seconds of CPU.
type sample struct{ resident, heap, routines, cpu float64 }

func (s sample) String() string {
	return fmt.Sprintf("%.0f MB resident, %.0f MB heap, %.0f goroutines", s.resident/1e6, s.heap/1e6, s.routines)
}

// fleet is the GPUNodes and how many GPUs of each are held.
type fleet struct {
	store   *fakeapi.Collection
	random  *rand.Rand
	names   []string
	reports []*v1alpha1.GPUNode
	held    []int
	changes int
}

// newFleet stores so many GPUNodes, each with eight free GPUs.
func newFleet(t *testing.T, store *fakeapi.Collection, size int) *fleet {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "gpunodes", "dgx-h100.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{store: store, random: rand.New(rand.NewPCG(1, 2))}
	for i := range size {
		report := &v1alpha1.GPUNode{}
		if err := yaml.UnmarshalStrict(content, report); err != nil {
			t.Fatal(err)
		}
		report.Name = fmt.Sprintf("node-%04d", i)
		f.names = append(f.names, report.Name)
		f.reports = append(f.reports, report)
		f.held = append(f.held, 0)
		f.change(t, i, 0)
	}
	f.changes = 0
	return f
}

// change has a node report that the first GPUs of it are held.
func (f *fleet) change(t *testing.T, i, held int) {
	t.Helper()
	report := f.reports[i]
	report.Status.Sequence++
	now := metav1.Now()
	report.Status.Heartbeat = &now
	report.Status.Allocations = nil
	for gpu := range held {
		report.Status.Allocations = append(report.Status.Allocations, v1alpha1.Allocation{
			Device: report.Status.GPUs[gpu].UUID, Resource: "nvidia.com/gpu",
			Namespace: "default", Pod: fmt.Sprintf("holder-%d-%d", i, gpu), Container: "main",
		})
	}
	f.held[i] = held
	f.changes++
	if err := f.store.Put(report); err != nil {
		t.Fatal(err)
	}
}

// seen changes one node and says how long it takes until answers are by it.
func (f *fleet) seen(t *testing.T, e *extender) time.Duration {
	t.Helper()
	i := f.random.IntN(len(f.names))
	held := 8
	if f.held[i] > 0 {
		held = 0
	}
	f.change(t, i, held)
	start := time.Now()
	eventually(t, time.Minute, "the change of "+f.names[i]+" is seen", func() error {
		fit, err := e.fit(t.Context(), f.names[i:i+1], 8)
		if err == nil && fit[f.names[i]] != (f.held[i] == 0) {
			err = fmt.Errorf("%d GPUs are held, and it fits eight: %v", f.held[i], fit[f.names[i]])
		}
		return err
	})
	return time.Since(start)
}
