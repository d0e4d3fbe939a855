package extender

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/gpunode"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sample returns a report of testdata/gpunodes under a name, with nobody holding
// anything.
func sample(t testing.TB, file, name string) *v1alpha1.GPUNode {
	t.Helper()
	nodes, err := gpunode.Read([]string{"../testdata/gpunodes/" + file + ".yaml"}, nil)
	must(t, err)
	n := &nodes[0]
	n.Name, n.Status.Allocations, n.Status.Heartbeat = name, nil, nil
	return n
}

// made returns a report of n GPUs, with the lanes of NVLink between each two and
// all GPUs on one NUMA node unless numa says otherwise.
func made(name string, n int, lanes func(a, b int) int32, numa func(i int) int32) *v1alpha1.GPUNode {
	g := &v1alpha1.GPUNode{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: v1alpha1.GPUNodeStatus{
		BootID: "boot", Sequence: 1,
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}},
	}}
	whole := v1alpha1.DeviceResource{Name: resourceGPU, Replicas: 1}
	for i := range n {
		node := int32(0)
		if numa != nil {
			node = numa(i)
		}
		uuid := fmt.Sprintf("GPU-%s-%02d", name, i)
		g.Status.GPUs = append(g.Status.GPUs, v1alpha1.GPU{Index: int32(i), UUID: uuid, NUMANode: &node, Health: v1alpha1.Healthy})
		whole.Devices = append(whole.Devices, uuid)
		for a := range i {
			g.Status.Links = append(g.Status.Links, v1alpha1.GPULink{A: int32(a), B: int32(i), Path: "NODE", NVLinkLanes: lanes(a, i)})
		}
	}
	g.Status.Resources = []v1alpha1.DeviceResource{whole}
	return g
}

// pairs links GPUs 0 and 1, 2 and 3, and so on; quads 0 to 3, 4 to 7.
func pairs(a, b int) int32 { return lanesIf(a/2 == b/2) }
func quads(a, b int) int32 { return lanesIf(a/4 == b/4) }
func lanesIf(linked bool) int32 {
	if linked {
		return 4
	}
	return 0
}

// next returns a copy of a report with the next sequence.
func next(g *v1alpha1.GPUNode) *v1alpha1.GPUNode {
	c := g.DeepCopy()
	c.Status.Sequence++
	return c
}

// holds adds an allocation to a report.
func holds(g *v1alpha1.GPUNode, pod string, gpus ...int) *v1alpha1.GPUNode {
	for _, i := range gpus {
		g.Status.Allocations = append(g.Status.Allocations, v1alpha1.Allocation{
			Device: g.Status.GPUs[i].UUID, Resource: resourceGPU, Namespace: "team", Pod: pod, Container: "main",
		})
	}
	return g
}

// fakeClock is a clock that a test moves.
type fakeClock struct{ now atomic.Int64 }

func (c *fakeClock) clock() time.Duration    { return time.Duration(c.now.Load()) }
func (c *fakeClock) advance(d time.Duration) { c.now.Add(int64(d)) }

// newStoreOf returns a store that has listed those objects, and its clock.
func newStoreOf(t testing.TB, change func(*v1alpha1.ExtenderConfiguration), reports ...*v1alpha1.GPUNode) (*Store, *fakeClock) {
	t.Helper()
	cfg := config.DefaultExtender()
	cfg.DecisionWait.Duration = 0
	if change != nil {
		change(cfg)
	}
	c := &fakeClock{}
	s, err := NewStore(cfg, c.clock, NewMetrics(prometheus.NewRegistry()))
	must(t, err)
	s.ReplaceNamespaces(nil)
	s.ReplaceTenants(nil)
	s.ReplaceNodes(nil)
	s.ReplacePods(nil)
	must(t, s.ReplaceGPUNodes(reports, time.Now()))
	must(t, s.Synced())
	return s, c
}

// podOf returns a pod that asks for GPUs by one container.
func podOf(name string, gpus int, topology string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, UID: types.UID("uid-" + name)}}
	p.Spec.Containers = []corev1.Container{container("main", resourceGPU, gpus)}
	if topology != "" {
		p.Annotations = map[string]string{annotationTopology: topology}
	}
	return p
}

func container(name, what string, n int) corev1.Container {
	list := corev1.ResourceList{corev1.ResourceName(what): *resource.NewQuantity(int64(n), resource.DecimalSI)}
	return corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Requests: list, Limits: list}}
}

// bound returns a pod on a node, created at a second.
func bound(p *corev1.Pod, node string, created int) *corev1.Pod {
	b := p.DeepCopy()
	b.Spec.NodeName, b.CreationTimestamp = node, metav1.Unix(int64(created), 0)
	return b
}

// questionOf asks about a pod and nodes.
func questionOf(p *corev1.Pod, nodes ...string) *question {
	q := &question{pod: p}
	for _, n := range nodes {
		q.names = append(q.names, quote(n))
	}
	return q
}

// filtered filters, and returns for each node "" or why it was refused.
func filtered(t testing.TB, s *Store, p *corev1.Pod, nodes ...string) map[string]string {
	t.Helper()
	q := questionOf(p, nodes...)
	a, err := s.ask(q)
	must(t, err)
	out := map[string]string{}
	for i, r := range s.filter(t.Context(), q, a) {
		out[nodes[i]] = ""
		if r.refused != nil {
			out[nodes[i]] = r.refused.reason
		}
	}
	return out
}

// prioritized scores, and returns the rows by node.
func prioritized(t testing.TB, s *Store, p *corev1.Pod, nodes ...string) map[string]row {
	t.Helper()
	q := questionOf(p, nodes...)
	a, err := s.ask(q)
	must(t, err)
	out := map[string]row{}
	for i, r := range s.prioritize(q, a) {
		out[nodes[i]] = r
	}
	return out
}
