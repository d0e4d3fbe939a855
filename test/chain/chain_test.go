// Package chain holds what the parts that meet in GPUNode make of one machine
// together: the agent reports it, usher topo draws it, the extender ranks it.
package chain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"usher.dev/usher/agent"
	"usher.dev/usher/agent/nvml"
	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/golden"
	"usher.dev/usher/internal/gpunode"
	extender "usher.dev/usher/scheduler-extender"
)

const snapshots = "../../testdata/gpunodes"

// machines are NVIDIA's four mock servers and what was captured of others.
func machines(t *testing.T) map[string]*agent.Machine {
	t.Helper()
	all := map[string]*agent.Machine{}
	for _, board := range nvml.Boards() {
		name := "mock-" + board
		mock, err := nvml.NewMock(board, name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &agent.Machine{Driver: mock.Driver(time.Minute), Sysfs: mock.Sysfs()}
		t.Cleanup(all[name].Driver.Close)
	}
	files, err := filepath.Glob(snapshots + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no file in %s: %v", snapshots, err)
	}
	for _, file := range files {
		all[strings.TrimSuffix(filepath.Base(file), ".yaml")] = &agent.Machine{Snapshot: file}
	}
	return all
}

// reported is the GPUNode that an agent makes of a machine.
func reported(t *testing.T, name string, machine *agent.Machine) *v1alpha1.GPUNode {
	t.Helper()
	a := &agent.Agent{
		NodeName: name, BootID: "6f1a4c52-0d5e-4f0b-9a4e-2b1f7f6a9c11", Machine: machine,
		Interval: 10 * time.Second, Heartbeat: time.Minute,
		Clock: clocktesting.NewFakeClock(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)),
		Log:   logr.Discard(), Metrics: agent.NewMetrics(prometheus.NewRegistry()),
	}
	return a.Node(a.Round(t.Context()))
}

// newExtender returns an extender that has seen the reports and nothing else.
func newExtender(t *testing.T, reports []*v1alpha1.GPUNode) (*extender.Store, http.Handler) {
	t.Helper()
	store, err := extender.NewStore(config.DefaultExtender(), extender.SystemClock(), extender.NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.ReplaceGPUNodes(nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, report := range reports {
		if err := store.SetGPUNode(report); err != nil {
			t.Fatal(err)
		}
	}
	store.ReplaceNamespaces(nil)
	store.ReplaceTenants(nil)
	store.ReplaceNodes(nil)
	store.ReplacePods(nil)
	return store, extender.NewHandler(store, logr.Discard(), logr.Discard())
}

func TestWhatEachMachineComesTo(t *testing.T) {
	known := machines(t)
	names := slices.Sorted(maps.Keys(known))
	var reports []*v1alpha1.GPUNode
	for _, name := range names {
		node := reported(t, name, known[name])
		reports = append(reports, node)
		t.Run(name, func(t *testing.T) {
			described, err := gpunode.Describe(node)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			if err := described.WriteText(&text, false); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, name+".topo", text.String())
		})
	}
	for _, demand := range []struct {
		resource string
		count    int64
		topology string
	}{
		{"nvidia.com/gpu", 1, "best-effort"},
		{"nvidia.com/gpu", 2, "nvlink"},
		{"nvidia.com/gpu", 4, "nvlink"},
		{"nvidia.com/gpu", 4, "numa"},
		{"nvidia.com/gpu", 8, "best-effort"},
		{"nvidia.com/mig-1g.5gb", 1, "best-effort"},
	} {
		_, short, _ := strings.Cut(demand.resource, "/")
		name := fmt.Sprintf("%d-%s-%s", demand.count, short, demand.topology)
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{
					Name: name, Namespace: "team", UID: types.UID(name),
					Annotations: map[string]string{"usher.dev/gpu-topology": demand.topology},
				},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{
					Limits: corev1.ResourceList{corev1.ResourceName(demand.resource): *resource.NewQuantity(demand.count, resource.DecimalSI)},
				}}}},
			}
			store, handler := newExtender(t, reports)
			decide(t, handler, pod, names)
			explained := store.Explain("team", name)
			if explained == nil {
				t.Fatal("nothing is remembered")
			}
			golden.Check(t, name+".ranking", ranking(explained))
		})
	}
}

// ranking writes what the extender made of the machines.
func ranking(e *extender.Explanation) string {
	var b strings.Builder
	fmt.Fprintln(&b, e.Demand)
	for _, n := range e.Nodes {
		if n.Cause != "" {
			fmt.Fprintf(&b, "%s: %s: %s\n", n.Name, n.Cause, n.Filtered)
			continue
		}
		fmt.Fprintf(&b, "%s: %d, GPUs %s:", n.Name, n.Score, n.GPUs)
		for i, score := range n.Scores {
			if score != nil {
				fmt.Fprintf(&b, " %s %.3f", e.Terms[i].Name, *score)
			}
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

// decide asks for one decision, as kube-scheduler does.
func decide(t *testing.T, handler http.Handler, pod *corev1.Pod, names []string) {
	t.Helper()
	var filtered extenderv1.ExtenderFilterResult
	ask(t, handler, "/v1/filter", pod, names, &filtered)
	if filtered.Error != "" || filtered.NodeNames == nil {
		t.Fatalf("filter: %q", filtered.Error)
	}
	var scores extenderv1.HostPriorityList
	ask(t, handler, "/v1/prioritize", pod, *filtered.NodeNames, &scores)
}

func ask(t *testing.T, handler http.Handler, verb string, pod *corev1.Pod, names []string, answer any) {
	t.Helper()
	body, err := json.Marshal(&extenderv1.ExtenderArgs{Pod: pod, NodeNames: &names})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, verb, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", verb, w.Code, err, w.Body)
	}
}
