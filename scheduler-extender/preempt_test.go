package extender

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
)

// prior is a pod on GPUs of a node with a priority.
func prior(name string, priority int32, gpus int) *corev1.Pod {
	p := bound(podOf(name, gpus, ""), "n", 1)
	p.Spec.Priority = &priority
	return p
}

func TestPreemptionMakesTheRequiredTopologyPossible(t *testing.T) {
	// Eight GPUs in pairs, each held by a pod of its own but 6 and 7, which
	// keep holds.
	setUp := func(t *testing.T, priorities ...int32) *Store {
		g := holds(made("n", 8, pairs, nil), "keep", 6, 7)
		s, _ := newStoreOf(t, nil)
		for i, priority := range priorities {
			name := string(rune('a' + i))
			holds(g, name, i)
			s.SetPod(prior(name, priority, 1))
		}
		s.SetPod(prior("keep", 1000, 2))
		must(t, s.SetGPUNode(g))
		return s
	}
	meta := func(pdb int64, pods ...string) *extenderv1.MetaVictims {
		v := &extenderv1.MetaVictims{NumPDBViolations: pdb}
		for _, p := range pods {
			v.Pods = append(v.Pods, &extenderv1.MetaPod{UID: p})
		}
		return v
	}
	for _, tt := range []struct {
		name       string
		priorities []int32
		proposed   *extenderv1.MetaVictims
		want       *extenderv1.MetaVictims // nil: the node is dropped
	}{
		{"the scheduler's own do", []int32{0, 0, 0, 0, 0, 0}, meta(1, "uid-a", "uid-b"), meta(1, "uid-a", "uid-b")},
		{"one more is needed", []int32{0, 0, 0, 0, 0, 0}, meta(0, "uid-a", "uid-c"), meta(1, "uid-a", "uid-c", "uid-d")},
		{"the least important one is added", []int32{9, 5, 9, 3, 9, 9}, meta(0, "uid-a", "uid-c"), meta(1, "uid-a", "uid-c", "uid-d")},
		{"the most important one comes first", []int32{0, 8, 0, 100, 100, 100}, meta(0, "uid-a", "uid-c"), meta(1, "uid-b", "uid-a", "uid-c")},
		{"pods that are as important stay", []int32{0, 50, 0, 50, 50, 50}, meta(0, "uid-a", "uid-c"), nil},
		{"a victim that usher does not know stays one", []int32{0, 0, 0, 0, 0, 0}, meta(0, "uid-a", "uid-b", "uid-cpu-only"), meta(0, "uid-a", "uid-b", "uid-cpu-only")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := setUp(t, tt.priorities...)
			preemptor := podOf("p", 2, "nvlink")
			preemptor.Spec.Priority = new(int32)
			*preemptor.Spec.Priority = 50
			var got extenderv1.ExtenderPreemptionResult
			schedulerOf(s).ask(t, "preempt", &extenderv1.ExtenderPreemptionArgs{Pod: preemptor, NodeNameToMetaVictims: map[string]*extenderv1.MetaVictims{
				"n": tt.proposed, "unknown": meta(0, "uid-x"), "none": meta(0),
			}}, &got)
			want := extenderv1.ExtenderPreemptionResult{NodeNameToMetaVictims: map[string]*extenderv1.MetaVictims{}}
			if tt.want != nil {
				want.NodeNameToMetaVictims["n"] = tt.want
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPreemptionAnswersWholeVictimsWithMetaVictims(t *testing.T) {
	s, _ := newStoreOf(t, nil)
	victim := prior("cpu", 0, 0)
	var got extenderv1.ExtenderPreemptionResult
	schedulerOf(s).ask(t, "preempt", &extenderv1.ExtenderPreemptionArgs{Pod: &corev1.Pod{}, NodeNameToVictims: map[string]*extenderv1.Victims{
		"n": {Pods: []*corev1.Pod{victim}, NumPDBViolations: 2},
	}}, &got)
	want := map[string]*extenderv1.MetaVictims{"n": {Pods: []*extenderv1.MetaPod{{UID: "uid-cpu"}}, NumPDBViolations: 2}}
	if diff := cmp.Diff(want, got.NodeNameToMetaVictims); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestFewestVictimsAreFewest compares with all sets of candidates.
func TestFewestVictimsAreFewest(t *testing.T) {
	for seed := range 200 {
		b := boardOf(t, made("n", 8, []func(a, b int) int32{pairs, quads}[seed%2], nil))
		o := b.empty()
		var candidates []*holding
		for i := range 8 {
			o[i]++
			priority := int32((seed*7 + i*5) % 11)
			candidates = append(candidates, &holding{key: podKey{"x", string(rune('a' + i))}, units: []int{i}, pod: &boundPod{priority: priority, uid: types.UID(rune('a' + i))}})
		}
		size := 2 + 2*(seed/2%2)
		d, _, err := demandOf(podOf("p", size, "nvlink"))
		must(t, err)
		got, ok := b.fewest(o.clone(), &d, slices.Clone(candidates))
		var best []int32
		for set := range 1 << 8 {
			after := o.clone()
			var priorities []int32
			for i, h := range candidates {
				if set>>i&1 == 1 {
					after.leave(h.units)
					priorities = append(priorities, -h.pod.priority)
				}
			}
			slices.Sort(priorities)
			for i := range priorities {
				priorities[i] = -priorities[i]
			}
			if len(priorities) <= maxAdded && b.judge(after, &d).refused == nil && (best == nil || len(priorities) < len(best) || len(priorities) == len(best) && slices.Compare(priorities, best) < 0) {
				best = priorities
			}
		}
		var have []int32
		for _, h := range got {
			have = append(have, h.pod.priority)
		}
		if ok != (best != nil) || !slices.Equal(have, best) {
			t.Fatalf("seed %d: priorities %v, want %v", seed, have, best)
		}
	}
}
