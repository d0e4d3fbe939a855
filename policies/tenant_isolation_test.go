package policies_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"usher.dev/usher/api/v1alpha1"
)

// isolationPods is how many random pods each tenant sends.
const isolationPods = 2500

// TestTenantIsolationAgainstTheScheduler lets random pods in and asks the
// scheduler's own code where each could run: a tenant's pods reach no node of
// another pool, with Hard isolation no node outside their own, and every node
// that is left to them as before. Patching twice is patching once, and a patched
// pod fails no check that it passed.
func TestTenantIsolationAgainstTheScheduler(t *testing.T) {
	for _, tenant := range isolatedTenants {
		t.Run(tenant.name, func(t *testing.T) {
			t.Parallel()
			in := newIsolation(t, tenant)
			bound, admitted, placed := 0, 0, 0
			for seed := range uint64(isolationPods) {
				pods := podMaker{rand.New(rand.NewPCG(seed, 1))}
				pod := pods.pod(tenant)
				j := in.judge(t, toJSON(t, pod))
				if problem := j.mutationProblem(); problem != "" {
					t.Fatalf("pod %d %s\n%s", seed, problem, asYAML(t, pod))
				}
				if len(j.before) == 0 {
					bound++
					if strays(pods, tenant, pod) {
						t.Fatalf("pod %d passes unpatched and may run in another pool\n%s", seed, asYAML(t, pod))
					}
				}
				if !j.admitted() {
					continue
				}
				admitted++
				problem, places := placementProblem(t, pods, tenant, pod, j.pod(t))
				if problem != "" {
					t.Fatalf("pod %d, admitted, %s\n%s", seed, problem, asYAML(t, j.pod(t)))
				}
				placed += places
			}
			t.Logf("%d of %d pods admitted, %d of them as sent, %d placements", admitted, isolationPods, bound, placed)
			if admitted < isolationPods/20 || bound < isolationPods/100 || placed < isolationPods/20 {
				t.Error("the generator makes too few pods that may run, and so proves nothing")
			}
		})
	}
}

// TestTenantIsolationAdmitsInnocuousPods sends pods that mention no pool.
func TestTenantIsolationAdmitsInnocuousPods(t *testing.T) {
	for _, tenant := range isolatedTenants {
		t.Run(tenant.name, func(t *testing.T) {
			t.Parallel()
			in := newIsolation(t, tenant)
			for seed := range uint64(isolationPods / 8) {
				pods := podMaker{rand.New(rand.NewPCG(seed, 2))}
				pod := pods.innocuousPod()
				if j := in.judge(t, toJSON(t, pod)); !j.admitted() {
					t.Fatalf("pod %d fails %v\n%s", seed, slices.Sorted(maps.Keys(j.after)), asYAML(t, pod))
				}
			}
		})
	}
}

// TestTenantIsolationOddTypes replaces fields of pods by values of other types:
// no evaluation fails, and what Kubernetes can still decode is kept in its pool.
func TestTenantIsolationOddTypes(t *testing.T) {
	for _, tenant := range isolatedTenants {
		t.Run(tenant.name, func(t *testing.T) {
			t.Parallel()
			in := newIsolation(t, tenant)
			decoded := 0
			for seed := range uint64(isolationPods / 5) {
				pods := podMaker{rand.New(rand.NewPCG(seed, 3))}
				object := toJSON(t, pods.pod(tenant))
				pods.disturb(object["spec"])
				j := in.judge(t, object)
				if problem := j.mutationProblem(); problem != "" {
					t.Fatalf("pod %d %s\n%s", seed, problem, asYAML(t, object))
				}
				pod, ok := decodePod(object)
				if !ok || !j.admitted() {
					continue
				}
				decoded++
				if problem, _ := placementProblem(t, pods, tenant, pod, j.pod(t)); problem != "" {
					t.Fatalf("pod %d, admitted, %s\n%s", seed, problem, asYAML(t, j.pod(t)))
				}
			}
			t.Logf("%d pods admitted that Kubernetes decodes", decoded)
		})
	}
}

// TestTenantIsolationOddRequests sends updates of pods and templates, bindings and
// namespaces with values of other types in them: no evaluation fails.
func TestTenantIsolationOddRequests(t *testing.T) {
	in := newIsolation(t, isolatedTenants[1])
	for seed := range uint64(isolationPods / 5) {
		pods := podMaker{rand.New(rand.NewPCG(seed, 5))}
		odd := func() map[string]any {
			object := toJSON(t, pods.pod(isolatedTenants[1]))
			object["metadata"] = map[string]any{
				"labels":      map[string]any{"tenant": "tenant-a", "usher.dev/x": "1", "policy.usher.dev/x": "off"},
				"annotations": map[string]any{"usher.dev/y": "2", "scheduler.alpha.kubernetes.io/node-selector": "a=b"},
			}
			pods.disturb(object)
			return object
		}
		request := in.request(odd())
		object, old := odd(), odd()
		request.Request["object"], request.Request["oldObject"] = object, old
		request.Request["operation"] = pick(pods, []string{"CREATE", "UPDATE"})
		request.Request["kind"] = map[string]any{
			"group": "", "version": "v1", "kind": pick(pods, []string{"Pod", "Namespace", "Binding", "PodTemplate"}),
		}
		path := pick(pods, []string{"", "/template"})
		request.Pod = map[string]any{"path": path, "metadata": object["metadata"], "spec": object["spec"]}
		request.OldPod = map[string]any{"path": path, "metadata": old["metadata"], "spec": old["spec"]}
		in.mutate(t, request)
		in.validate(t, request)
	}
}

// TestTenantIsolationTolerations compares every shape of a toleration with what
// the scheduler makes of it: refused if it tolerates another pool's taint,
// admitted otherwise.
func TestTenantIsolationTolerations(t *testing.T) {
	var values []string
	for n := 5; n <= 9; n++ {
		values = append(values, fmt.Sprint(n))
	}
	values = append(values, "", "tenant-a", "tenant-b", "gold", "x", "-1", "007", "9223372036854775807", "9223372036854775808")
	effects := []corev1.TaintEffect{"", corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute}
	operators := []corev1.TolerationOperator{"", corev1.TolerationOpEqual, corev1.TolerationOpExists, corev1.TolerationOpLt, corev1.TolerationOpGt}

	// Every taint that a tenant other than the pod's might have.
	var taints []corev1.Taint
	for _, effect := range effects[1:] {
		for _, value := range append(slices.Clone(values), "-9223372036854775808", "100") {
			taints = append(taints, corev1.Taint{Key: "tenant", Value: value, Effect: effect})
		}
		taints = append(taints, corev1.Taint{Key: "dedicated", Value: "gold", Effect: effect}, corev1.Taint{Key: "dedicated", Value: "silver", Effect: effect})
	}

	for _, tenant := range isolatedTenants {
		in := newIsolation(t, tenant)
		for _, key := range []string{"tenant", "dedicated", "", "zone", "node.kubernetes.io/unreachable"} {
			for _, operator := range operators {
				for _, value := range values {
					for _, effect := range effects {
						toleration := corev1.Toleration{Key: key, Operator: operator, Value: value, Effect: effect}
						wrong := slices.ContainsFunc(taints, func(taint corev1.Taint) bool {
							return !tenant.ownsTaint(taint) && tolerates(toleration, taint)
						})
						pod := &corev1.Pod{Spec: corev1.PodSpec{Tolerations: []corev1.Toleration{toleration}}}
						refused := in.validate(t, in.request(toJSON(t, pod)))["toleration"]
						switch {
						case wrong && !refused:
							t.Errorf("tenant %s: %+v tolerates another pool and is admitted", tenant.name, toleration)
						case refused && !wrong && !vainToleration(toleration, tenant):
							t.Errorf("tenant %s: %+v tolerates no other pool and is refused", tenant.name, toleration)
						}
					}
				}
			}
		}
	}
}

// vainToleration reports a toleration that is refused though it tolerates no
// taint today: Kubernetes refuses it too (no key and a value, numbers that are
// none), or it names a value that no pool has yet.
func vainToleration(t corev1.Toleration, tenant isolatedTenant) bool {
	switch {
	case t.Key == "":
		return true
	case t.Key != "tenant" && t.Key != "dedicated":
		return false
	}
	return t.Operator == corev1.TolerationOpLt || t.Operator == corev1.TolerationOpGt ||
		t.Key == "dedicated" && !tenant.ownsTaint(corev1.Taint{Key: t.Key, Value: t.Value})
}

func TestTenantIsolationOfTheSeedsPods(t *testing.T) {
	required := &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: "tenant", Operator: corev1.NodeSelectorOpNotIn, Values: []string{"tenant-a"}},
		},
	}}}
	own := corev1.NodeSelectorRequirement{Key: "tenant", Operator: corev1.NodeSelectorOpIn, Values: []string{"tenant-b"}}
	preferred := []corev1.PreferredSchedulingTerm{{
		Weight:     100,
		Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{own}},
	}}
	in := newIsolation(t, isolatedTenants[1])
	j := in.judge(t, toJSON(t, &corev1.Pod{Spec: corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution:  required,
		PreferredDuringSchedulingIgnoredDuringExecution: preferred,
	}}}}))
	if !j.admitted() {
		t.Fatalf("tenant-b's pod fails %v", slices.Sorted(maps.Keys(j.after)))
	}
	absent := func(key string) corev1.NodeSelectorRequirement {
		return corev1.NodeSelectorRequirement{Key: key, Operator: corev1.NodeSelectorOpDoesNotExist}
	}
	notA := required.NodeSelectorTerms[0].MatchExpressions[0]
	want := corev1.PodSpec{
		Tolerations: []corev1.Toleration{{
			Key: "tenant", Operator: corev1.TolerationOpEqual, Value: "tenant-b", Effect: corev1.TaintEffectNoSchedule,
		}},
		Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: preferred,
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
				{MatchExpressions: []corev1.NodeSelectorRequirement{notA, absent("dedicated"), absent("pool"), absent("tenant")}},
				{MatchExpressions: []corev1.NodeSelectorRequirement{notA, own}},
			}},
		}},
	}
	if diff := cmp.Diff(want, j.pod(t).Spec); diff != "" {
		t.Errorf("patched pod (-want +got):\n%s", diff)
	}
}

func BenchmarkTenantIsolation(b *testing.B) {
	for _, tenant := range isolatedTenants[:2] {
		b.Run(fmt.Sprintf("%s pods, all different", ptr.Deref(tenant.pool, v1alpha1.NodePool{}).Isolation), func(b *testing.B) {
			in := newIsolation(b, tenant)
			var pods []map[string]any
			for seed := range uint64(20000) {
				pods = append(pods, toJSON(b, podMaker{rand.New(rand.NewPCG(seed, 4))}.innocuousPod()))
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				in.judgeOnce(b, pods[n%len(pods)])
			}
		})
	}
}
