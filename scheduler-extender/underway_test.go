package extender

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/topology"
)

// fourOfEight has four free GPUs: a linked pair, and two of two others.
func fourOfEight(name string) *v1alpha1.GPUNode {
	return holds(made(name, 8, pairs, nil), "x", 4, 6, 2, 3)
}

func TestAPodOnItsWayMayTakeTheOnlyLinkedPair(t *testing.T) {
	s, clock := newStoreOf(t, nil, fourOfEight("n"), fourOfEight("m"))
	if got := filtered(t, s, podOf("first", 2, ""), "n"); got["n"] != "" {
		t.Fatal(got)
	}
	second := podOf("second", 2, "nvlink")
	got := filtered(t, s, second, "n", "m")
	want := map[string]string{"m": "", "n": "pods may be on their way to the node that are not bound yet (2 nvidia.com/gpu, best-effort); with them, GPUs 5,7, which the device plugin would pick, are not linked by NVLink, each to each"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// Not evictable: no pod is to be killed for it.
	result := schedulerOf(s).filter(t, second, "n")
	if result.FailedAndUnresolvableNodes["n"] == "" || len(result.FailedNodes) > 0 {
		t.Errorf("%+v", result)
	}
	// It is asked about again: its own decision does not stand in its way, nor
	// does that of the second, which was let to m alone.
	if got := filtered(t, s, podOf("first", 2, "nvlink"), "n"); got["n"] != "" {
		t.Errorf("%q", got)
	}
	// It went elsewhere.
	s.SetPod(bound(podOf("first", 2, ""), "elsewhere", 1))
	if got := filtered(t, s, second, "n"); got["n"] != "" {
		t.Errorf("%q", got)
	}
	// One that is never bound counts for its lease.
	filtered(t, s, podOf("third", 2, "nvlink"), "n")
	if got := filtered(t, s, podOf("fourth", 2, "nvlink"), "n"); got["n"] == "" {
		t.Error("the pair may be taken")
	}
	clock.advance(30 * time.Second)
	if got := filtered(t, s, podOf("fourth", 2, "nvlink"), "n"); got["n"] != "" {
		t.Errorf("%q", got)
	}
}

// TestAGangIsNotHeldUpByItself: pods of which only one fits on a node are on
// their way to all of them; a node that kube-scheduler offers has room.
func TestAGangIsNotHeldUpByItself(t *testing.T) {
	var reports []*v1alpha1.GPUNode
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("n%02d", i))
		reports = append(reports, made(names[i], 8, func(int, int) int32 { return 4 }, nil))
	}
	s, _ := newStoreOf(t, nil, reports...)
	for i := range 20 {
		// The scheduler has assumed one on each of the nodes before.
		got := filtered(t, s, podOf(fmt.Sprint("rank", i), 8, "nvlink"), names[i:]...)
		for name, reason := range got {
			if reason != "" {
				t.Fatalf("rank %d: %s: %s", i, name, reason)
			}
		}
	}
}

func TestAFilterWaitsToSeeWhereThePodBeforeWasBound(t *testing.T) {
	s, _ := newStoreOf(t, func(c *v1alpha1.ExtenderConfiguration) { c.DecisionWait.Duration = time.Minute }, fourOfEight("n"))
	filtered(t, s, podOf("first", 2, ""), "n")
	answered := make(chan map[string]string)
	go func() { answered <- filtered(t, s, podOf("second", 2, "nvlink"), "n") }()
	select {
	case got := <-answered:
		t.Fatalf("answered before: %q", got)
	case <-time.After(50 * time.Millisecond):
	}
	s.SetPod(bound(podOf("first", 2, ""), "elsewhere", 1))
	if got := <-answered; got["n"] != "" {
		t.Errorf("%q", got)
	}
}

func TestManyDifferentPodsOnTheirWayAreTooMany(t *testing.T) {
	s, _ := newStoreOf(t, nil, made("n", 16, pairs, nil))
	for i := range maxRuns + 1 {
		p := podOf(fmt.Sprint("p", i), 1, "")
		for range i {
			p.Spec.Containers = append(p.Spec.Containers, container("more", resourceGPU, 1))
		}
		s.pending.decided(podKey{"team", p.Name}, p.UID, mustAsk(t, s, p).demand, nodeSet{1})
	}
	if got := filtered(t, s, podOf("p", 2, "nvlink"), "n")["n"]; !strings.Contains(got, "too many pods") {
		t.Errorf("%q", got)
	}
}

func mustAsk(t testing.TB, s *Store, p *corev1.Pod) *asked {
	t.Helper()
	a, err := s.ask(questionOf(p))
	must(t, err)
	return a
}

// machine is the truth about one node of TestNoGPUIsCountedTwice: what the kubelet
// has handed out.
type machine struct {
	report *v1alpha1.GPUNode // the last that was sent
	board  *board
	held   map[types.UID][]int
}

func (m *machine) occupied() occupancy {
	o := m.board.empty()
	for _, units := range m.held {
		o.take(units)
	}
	return o
}

// TestNoGPUIsCountedTwice lets a scheduler that counts as kube-scheduler does place
// pods at random, with bindings that are seen late and reports that are later,
// and a kubelet that picks as the device plugin does, by chance among equals: every required topology
// must be met, on every GPU at most one pod.
func TestNoGPUIsCountedTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shapes := []func(a, b int) int32{pairs, quads, func(int, int) int32 { return 4 }, func(int, int) int32 { return 0 }}
		var reports []*v1alpha1.GPUNode
		machines := map[string]*machine{}
		var names []string
		for i := range rapid.IntRange(1, 3).Draw(t, "nodes") {
			name := fmt.Sprint("n", i)
			g := made(name, 8, rapid.SampledFrom(shapes).Draw(t, "links"), func(i int) int32 { return int32(i / 4) })
			b, err := newBoard(g, newShapes())
			if err != nil {
				t.Fatal(err)
			}
			names, reports, machines[name] = append(names, name), append(reports, g), &machine{g, b, map[types.UID][]int{}}
		}
		s, clock := newStoreOf(&testing.T{}, nil, reports...)
		type placed struct {
			pod    *corev1.Pod
			node   string
			demand *demand
			seen   bool
		}
		var assumed []*placed // bound at the kubelet in order, seen by the extender or not
		taken := func(node string) int {
			n := 0
			for _, p := range assumed {
				if p.node == node {
					n += p.demand.total()[resourceGPU]
				}
			}
			return n
		}
		for i := range rapid.IntRange(5, 40).Draw(t, "steps") {
			clock.advance(time.Duration(rapid.IntRange(0, 1000).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1, 2: // a pod is scheduled
				p := podOf(fmt.Sprint("p", i), rapid.IntRange(1, 4).Draw(t, "GPUs"), rapid.SampledFrom([]string{"nvlink", "numa", ""}).Draw(t, "topology"))
				a, err := s.ask(questionOf(p))
				if err != nil {
					t.Fatal(err)
				}
				var offered []string
				for _, name := range names {
					if taken(name)+a.demand.total()[resourceGPU] <= 8 {
						offered = append(offered, name)
					}
				}
				var fit []string
				for j, r := range s.filter(t.Context(), questionOf(p, offered...), a) {
					if r.refused == nil {
						fit = append(fit, offered[j])
					}
				}
				if len(fit) == 0 {
					continue
				}
				node := rapid.SampledFrom(fit).Draw(t, "node")
				m := machines[node]
				// Of equal sets, the plugin picks by chance.
				free := m.board.freeGPUs(m.occupied(), m.board.resource(resourceGPU))
				picks := m.board.links.of(free).Picks(a.demand.total()[resourceGPU])
				if len(picks) == 0 {
					t.Fatalf("%s on %s: GPUs %s are free", p.Name, node, free)
				}
				used := rapid.SampledFrom(picks).Draw(t, "pick")
				if !m.board.links.Meets(used, a.demand.requirement) {
					t.Fatalf("%s on %s got GPUs %s, which are not %s", p.Name, node, used, a.demand.requirement)
				}
				for i := range m.board.units {
					if used.Has(m.board.units[i].gpu) {
						m.held[p.UID] = append(m.held[p.UID], i)
					}
				}
				assumed = append(assumed, &placed{bound(p, node, i), node, a.demand, false})
			case 3: // the watch brings the oldest binding that it has not brought
				for _, p := range assumed {
					if !p.seen {
						p.seen = true
						s.SetPod(p.pod)
						break
					}
				}
			case 4: // an agent reports
				name := rapid.SampledFrom(names).Draw(t, "agent")
				m := machines[name]
				m.report = next(m.report)
				m.report.Status.Allocations = nil
				for _, p := range assumed {
					if p.node == name {
						for _, u := range m.held[p.pod.UID] {
							holds(m.report, p.pod.Name, m.board.units[u].gpu)
						}
					}
				}
				if err := s.SetGPUNode(m.report); err != nil {
					t.Fatal(err)
				}
			case 5: // a pod ends; the watch keeps the order of what happened
				if len(assumed) == 0 {
					continue
				}
				for _, p := range assumed {
					if !p.seen {
						p.seen = true
						s.SetPod(p.pod)
					}
				}
				at := rapid.IntRange(0, len(assumed)-1).Draw(t, "ending")
				p := assumed[at]
				delete(machines[p.node].held, p.pod.UID)
				s.DeletePod(p.pod)
				assumed = append(assumed[:at:at], assumed[at+1:]...)
			}
			for name, m := range machines {
				var all topology.Set
				for uid, units := range m.held {
					if used := m.board.gpusOf(units); all&used != 0 {
						t.Fatalf("%s: GPUs %s of %s are held twice", name, all&used, uid)
					} else {
						all |= used
					}
				}
			}
		}
	})
}
