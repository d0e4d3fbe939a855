package policies_test

import (
	"maps"
	"math/rand/v2"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// podMaker makes random pods and nodes from few words, so that they meet.
type podMaker struct{ *rand.Rand }

func pick[T any](m podMaker, from []T) T { return from[m.IntN(len(from))] }

func (m podMaker) oneIn(n int) bool { return m.IntN(n) == 0 }

var (
	nodeNames   = []string{"n1", "n2", "n3"}
	plainKeys   = []string{"topology.kubernetes.io/zone", "disk", "tenants", "gpu.count"}
	plainValues = []string{"z1", "z2", "8", ""}
	poolKeys    = []string{"tenant", "tenant", "tenant", "pool", "dedicated", "tier"}
	poolValues  = []string{"tenant-a", "tenant-b", "7", "gold", "1", "6", "8", "", "tenant-c"}

	nodeOperators = []corev1.NodeSelectorOperator{
		corev1.NodeSelectorOpIn, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpNotIn,
		corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpDoesNotExist,
		corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt,
	}
	tolerationOperators = []corev1.TolerationOperator{
		"", corev1.TolerationOpEqual, corev1.TolerationOpEqual, corev1.TolerationOpExists, corev1.TolerationOpLt, corev1.TolerationOpGt,
	}
	taintEffects = []corev1.TaintEffect{
		"", corev1.TaintEffectNoSchedule, corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute,
	}
)

// pod makes a pod that may ask for anything about its node, and often for the
// tenant's own.
func (m podMaker) pod(tenant isolatedTenant) *corev1.Pod {
	keys, values := slices.Concat(plainKeys, poolKeys), slices.Concat(plainValues, poolValues)
	if m.oneIn(3) {
		// Mostly plain, so that many pods are admitted.
		keys, values = append(slices.Clone(plainKeys), "tenant"), append(slices.Clone(plainValues), poolValues[:4]...)
	}
	pod := m.podOf(keys, values, slices.Concat(keys, []string{""}))
	if m.oneIn(6) {
		if pod.Spec.NodeSelector == nil {
			pod.Spec.NodeSelector = map[string]string{}
		}
		maps.Copy(pod.Spec.NodeSelector, tenant.selector)
	}
	return pod
}

// innocuousPod makes a pod that mentions no pool.
func (m podMaker) innocuousPod() *corev1.Pod {
	return m.podOf(plainKeys, plainValues, []string{
		"node.kubernetes.io/not-ready", "node.kubernetes.io/unschedulable", "nvidia.com/gpu", "disk",
	})
}

func (m podMaker) podOf(labelKeys, values, taintKeys []string) *corev1.Pod {
	pod := &corev1.Pod{}
	for range m.IntN(3) {
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
			Key: pick(m, taintKeys), Operator: pick(m, tolerationOperators), Value: pick(m, values), Effect: pick(m, taintEffects),
		})
	}
	if m.oneIn(3) {
		pod.Spec.NodeSelector = map[string]string{}
		for range m.IntN(3) {
			pod.Spec.NodeSelector[pick(m, labelKeys)] = pick(m, values)
		}
	}
	if m.oneIn(4) {
		return pod
	}
	pod.Spec.Affinity = &corev1.Affinity{}
	if m.oneIn(4) {
		pod.Spec.Affinity.PodAffinity = &corev1.PodAffinity{}
	}
	if m.oneIn(6) {
		return pod
	}
	affinity := &corev1.NodeAffinity{}
	pod.Spec.Affinity.NodeAffinity = affinity
	if !m.oneIn(4) {
		required := &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{}}
		for range m.IntN(4) {
			required.NodeSelectorTerms = append(required.NodeSelectorTerms, m.term(labelKeys, values))
		}
		affinity.RequiredDuringSchedulingIgnoredDuringExecution = required
	}
	for range m.IntN(3) - 1 {
		affinity.PreferredDuringSchedulingIgnoredDuringExecution = append(affinity.PreferredDuringSchedulingIgnoredDuringExecution,
			corev1.PreferredSchedulingTerm{Weight: int32(1 + m.IntN(100)), Preference: m.term(labelKeys, values)})
	}
	return pod
}

func (m podMaker) term(keys, values []string) corev1.NodeSelectorTerm {
	var term corev1.NodeSelectorTerm
	for range m.IntN(3) {
		requirement := corev1.NodeSelectorRequirement{Key: pick(m, keys), Operator: pick(m, nodeOperators)}
		switch requirement.Operator {
		case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
			for range 1 + m.IntN(2) {
				requirement.Values = append(requirement.Values, pick(m, values))
			}
		case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
			requirement.Values = []string{"7"}
		case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
		}
		term.MatchExpressions = append(term.MatchExpressions, requirement)
	}
	if m.oneIn(4) {
		term.MatchFields = []corev1.NodeSelectorRequirement{{
			Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{pick(m, nodeNames)},
		}}
	}
	return term
}

// disturb replaces a few of the values below v by ones of other types.
func (m podMaker) disturb(v any) {
	odd := []any{nil, "", "tenant", 0.0, true, false, []any{}, map[string]any{}, []any{nil}, []any{"x"}, map[string]any{"tenant": nil}}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if m.oneIn(8) {
				v[key] = pick(m, odd)
			} else {
				m.disturb(v[key])
			}
		}
	case []any:
		for i := range v {
			if m.oneIn(8) {
				v[i] = pick(m, odd)
			} else {
				m.disturb(v[i])
			}
		}
	}
}
