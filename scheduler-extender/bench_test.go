package extender

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"

	"usher.dev/usher/api/v1alpha1"
)

const fleetSize = 5000

// fleet is 5,000 reports of the sample machines.
func fleet(t testing.TB) (reports []*v1alpha1.GPUNode, names []string) {
	t.Helper()
	files := []string{"dgx-h100", "dgx-a100", "half-nvlinked", "pcie-only", "gb200-tray", "a100-mixed-mig"}
	samples := map[string]*v1alpha1.GPUNode{}
	for _, f := range files {
		samples[f] = sample(t, f, f)
	}
	for i := range fleetSize {
		n := samples[files[i%len(files)]].DeepCopy()
		n.Name = fmt.Sprintf("gpu-node-%04d.cluster.example.com", i)
		n.Status.Heartbeat = nil
		for j := range n.Status.GPUs {
			n.Status.GPUs[j].UUID += n.Name
		}
		for j := range n.Status.Resources {
			for k := range n.Status.Resources[j].Devices {
				n.Status.Resources[j].Devices[k] += n.Name
			}
		}
		// A third of the fleet is partly taken.
		if i%3 == 0 && n.Status.Resources[0].Name == resourceGPU {
			for k := range i % len(n.Status.Resources[0].Devices) {
				n.Status.Allocations = append(n.Status.Allocations, v1alpha1.Allocation{Device: n.Status.Resources[0].Devices[k], Resource: resourceGPU, Namespace: "x", Pod: fmt.Sprint("p", i), Container: "c"})
			}
		}
		reports, names = append(reports, n), append(names, n.Name)
	}
	return reports, names
}

func body(t testing.TB, p *corev1.Pod, names []string) []byte {
	t.Helper()
	b, err := json.Marshal(&extenderv1.ExtenderArgs{Pod: p, NodeNames: &names})
	must(t, err)
	return b
}

// reply is what a handler answered.
func reply(h http.Handler, path string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body)) //nolint:noctx // no server is asked
	r.Header.Set("Content-Type", "application/json")
	return answerTo(h, r)
}

func answerTo(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// timed runs one decision after the other and reports the median and the 99th
// percentile, in microseconds.
func timed(b *testing.B, decide func()) {
	b.Helper()
	b.ReportAllocs()
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		decide()
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkFilterPrioritize5000 is one decision of kube-scheduler on 5,000 nodes:
// a filter and a prioritize by names. thinking=false parses and answers alone.
func BenchmarkFilterPrioritize5000(b *testing.B) {
	reports, names := fleet(b)
	s, clock := newStoreOf(b, nil, reports...)
	h := NewHandler(s, logr.Discard(), logr.Discard())
	pod := podOf("train", 4, "nvlink")
	asking := body(b, pod, names)
	b.Run("thinking=true", func(b *testing.B) {
		timed(b, func() {
			clock.advance(time.Millisecond)
			if w := reply(h, "/v1/filter", asking); w.Code != http.StatusOK {
				b.Fatal(w.Body)
			}
			reply(h, "/v1/prioritize", asking)
		})
	})
	b.Run("thinking=true,pods on their way", func(b *testing.B) {
		for i := range 4 {
			other := podOf(fmt.Sprint("other", i), 2+i, "")
			reply(h, "/v1/filter", body(b, other, names))
		}
		timed(b, func() {
			reply(h, "/v1/filter", asking)
			reply(h, "/v1/prioritize", asking)
		})
	})
	b.Run("thinking=false", func(b *testing.B) {
		timed(b, func() {
			for _, verb := range []func(out []byte, q *question, rows []row) []byte{appendFiltered, appendPriorities} {
				q, err := decodeQuestion(asking)
				must(b, err)
				w := httptest.NewRecorder()
				_, _ = w.Write(verb(nil, q, nil))
			}
		})
	})
	b.Run("encoding/json alone", func(b *testing.B) {
		timed(b, func() {
			var args extenderv1.ExtenderArgs
			must(b, json.Unmarshal(asking, &args))
			_, _ = json.Marshal(&extenderv1.ExtenderFilterResult{NodeNames: args.NodeNames})
			list := make(extenderv1.HostPriorityList, len(*args.NodeNames))
			must(b, json.Unmarshal(asking, &args))
			for i, n := range *args.NodeNames {
				list[i].Host = n
			}
			_, _ = json.Marshal(list)
		})
	})
}

// BenchmarkGPUNodeUpdate is what one report costs that changes who holds what.
func BenchmarkGPUNodeUpdate(b *testing.B) {
	for _, file := range []string{"dgx-h100", "a100-mixed-mig"} {
		b.Run(file, func(b *testing.B) {
			reports, _ := fleet(b)
			s, _ := newStoreOf(b, nil, reports...)
			free := sample(b, file, reports[0].Name)
			taken := holds(next(free), "p", 0)
			states := []*v1alpha1.GPUNode{free, taken}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				g := *states[i%2]
				g.Status.Sequence = int64(i + 10_000)
				must(b, s.SetGPUNode(&g))
			}
		})
	}
}

// TestMemoryOfAFleet shows what a node takes in memory.
func TestMemoryOfAFleet(t *testing.T) {
	reports, names := fleet(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s, _ := newStoreOf(t, nil, reports...)
	for i := range 3 {
		filtered(t, s, podOf(fmt.Sprint("p", i), 1+i, "nvlink"), names...)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / fleetSize
	t.Logf("%d bytes for each of %d nodes", per, fleetSize)
	if per > 32<<10 {
		t.Errorf("%d bytes for each node", per)
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(reports)
}
