package scheduling

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/test/e2e/await"
)

// mixed are the pods of TestMixedPods: 200 that ask for 124 of 142 whole GPUs and 28
// of 30 MIG devices.
var mixed = []struct {
	ask
	pods int
}{
	{ask{}, 97},
	{ask{"nvidia.com/mig-1g.5gb", 1, ""}, 22},
	{ask{"nvidia.com/mig-2g.10gb", 1, ""}, 3},
	{ask{"nvidia.com/mig-3g.20gb", 1, ""}, 3},
	{ask{gpus, 1, ""}, 44},
	{ask{gpus, 2, ""}, 8},
	{ask{gpus, 2, nvlink}, 10},
	{ask{gpus, 2, numa}, 4},
	{ask{gpus, 4, nvlink}, 7},
	{ask{gpus, 4, numa}, 2},
}

// twentyNodes are of four shapes.
func twentyNodes() map[string]shape {
	nodes := map[string]shape{}
	for kind, count := range map[string]int{"dgx": 5, "boards": 6, "half": 6, "mig": 3} {
		for i := range count {
			nodes[fmt.Sprintf("%s-%d", kind, i)] = map[string]shape{
				"dgx": dgxH100, "boards": twoBoards, "half": halfLinked, "mig": partitioned,
			}[kind]
		}
	}
	return nodes
}

// TestMixedPods places 200 pods onto 20 nodes, and the same pods in the same
// order onto the same nodes without the extender: three times, since then it is
// chance which pods get the good links.
func TestMixedPods(t *testing.T) {
	var asks []ask
	for _, m := range mixed {
		for range m.pods {
			asks = append(asks, m.ask)
		}
	}
	rand.New(rand.NewPCG(11, 0)).Shuffle(len(asks), func(i, j int) { asks[i], asks[j] = asks[j], asks[i] })

	var with outcome
	var without []outcome
	t.Run("with the extender", func(t *testing.T) {
		f := shared.newFleet(t, twentyNodes())
		f.startAgents(t)
		with = f.place(t, "mixed-with", asks, gpuScheduler)
		if with.placed != len(asks) {
			t.Errorf("%d of %d pods are placed", with.placed, len(asks))
		}
		for _, v := range with.violations {
			t.Errorf("a required topology is not met: %s", v)
		}
	})
	total := 0
	for i := range 3 {
		t.Run("without the extender", func(t *testing.T) {
			f := shared.newFleet(t, twentyNodes())
			without = append(without, f.place(t, fmt.Sprintf("mixed-without-%d", i), asks, defaultScheduler))
			total += without[i].total()
		})
	}
	t.Logf("the same %d pods onto the same 20 nodes:\n%s", len(asks), compare(append([]outcome{with}, without...)))
	if with.total()*len(without) <= total {
		t.Errorf("the granted link weight is %d, and %d without the extender", with.total(), total/len(without))
	}
}

// outcome is what became of the pods of one run.
type outcome struct {
	placed int
	// weights are the granted link weights by what was asked for.
	weights    map[ask]int
	violations []string
	took       time.Duration
}

func (o outcome) total() int {
	total := 0
	for _, w := range o.weights {
		total += w
	}
	return total
}

// place creates the pods in order, waits until no more of them finds a node and
// looks at the devices that they were handed.
func (f *fleet) place(t *testing.T, namespace string, asks []ask, scheduler string) outcome {
	t.Helper()
	f.cluster.namespace(t, namespace, map[string]string{"policy.usher.dev/gpu_scheduling": policyMode(scheduler)})
	start := time.Now()
	for i, a := range asks {
		f.cluster.create(t, a.pod(namespace, fmt.Sprintf("pod-%03d", i), scheduler))
	}
	pods := await.Success(t, 2*time.Minute, "every pod is bound or found unschedulable", func() ([]corev1.Pod, error) {
		pods, err := f.cluster.list(t.Context(), namespace)
		if err != nil {
			return nil, err
		}
		waiting := 0
		for i := range pods {
			if condition := scheduled(&pods[i]); condition == nil {
				waiting++
			}
		}
		if waiting > 0 {
			return nil, fmt.Errorf("%d pods were not tried yet", waiting)
		}
		return pods, nil
	})
	o := outcome{weights: map[ask]int{}, took: time.Since(start)}
	for i := range pods {
		if pods[i].Spec.NodeName == "" {
			t.Logf("%s (%s) has no node: %s", pods[i].Name, asks[i], waitsFor(&pods[i]))
			continue
		}
		o.placed++
		if asks[i].count > 0 {
			f.judge(t, &o, asks[i], &pods[i])
		}
	}
	f.expectNoRefusal(t)
	return o
}

// judge adds what one pod was handed to the outcome.
func (f *fleet) judge(t *testing.T, o *outcome, a ask, pod *corev1.Pod) {
	t.Helper()
	node := f.nodes[pod.Spec.NodeName]
	devices := await.Success(t, patience, pod.Name+" has its devices", func() ([]string, error) {
		for _, g := range node.Grants() {
			if g.Namespace == pod.Namespace && g.Pod == pod.Name {
				return g.Devices, nil
			}
		}
		if len(f.Refused()) > 0 {
			return nil, nil
		}
		return nil, errors.New("the kubelet has handed out nothing")
	})
	if a.resource != gpus || devices == nil {
		return
	}
	w, err := weight(node.Hardware(), devices)
	if err != nil {
		t.Fatal(err)
	}
	o.weights[a] += w
	if v := violation(node.Hardware(), devices, a.topology); v != "" {
		o.violations = append(o.violations, fmt.Sprintf("%s (%s) on %s: %s", pod.Name, a, pod.Spec.NodeName, v))
	}
}

// compare shows outcomes side by side, the first being that with the extender.
func compare(all []outcome) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	row := func(what string, value func(o outcome) any) {
		fmt.Fprint(w, what)
		for _, o := range all {
			fmt.Fprintf(w, "\t%v", value(o))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "\twith the extender\twithout"+strings.Repeat("\tagain", len(all)-2))
	row("pods placed", func(o outcome) any { return o.placed })
	row("required topologies not met", func(o outcome) any { return len(o.violations) })
	row("granted link weight", func(o outcome) any { return o.total() })
	for _, m := range mixed {
		if m.resource == gpus && m.count > 1 {
			row(fmt.Sprintf("  of %d pods with %s", m.pods, m.ask), func(o outcome) any { return o.weights[m.ask] })
		}
	}
	row("time until all were placed", func(o outcome) any { return o.took.Round(100 * time.Millisecond) })
	_ = w.Flush()
	return text.String()
}
