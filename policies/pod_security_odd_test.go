package policies_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	kjson "sigs.k8s.io/json"

	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/policies/randompod"
)

// podSecurityOddPods is how many pods have a value of another type put in.
const podSecurityOddPods = 3000

// TestPodSecurityOddTypes replaces parts of pods by null or by values of other
// types, as a pod template in a custom resource may hold them: no evaluation
// fails, and what Kubernetes still decodes fails the checks that it fails there.
func TestPodSecurityOddTypes(t *testing.T) {
	judge := newPodSecurity(t, nil)
	upstream := newUpstream(t)
	decoded := 0
	for seed := range uint64(inShort(podSecurityOddPods)) {
		r := rand.New(rand.NewPCG(seed, 2))
		judged := judgedPod(t, randompod.New(r))
		for range 1 + r.IntN(2) {
			putOdd(r, judged)
		}
		version := podSecurityVersions[r.IntN(len(podSecurityVersions))]
		for _, level := range []string{"baseline", "restricted"} {
			got := checksOf(judge.judge(t, verdict.Input{Pod: judged, Namespace: labelled(map[string]string{
				api.EnforceLevelLabel: level, api.EnforceVersionLabel: version,
			})}).Deny)
			pod := &corev1.Pod{}
			encoded := mustMarshal(t, map[string]any{"metadata": judged["metadata"], "spec": judged["spec"]})
			if err := kjson.UnmarshalCaseSensitivePreserveInts(encoded, pod); err != nil {
				continue
			}
			decoded++
			if want := upstream.failing(t, pod, level, version); !slices.Equal(got, want) {
				t.Errorf("pod %d at %s %s fails %v, want %v\n%s", seed, level, version, got, want, encoded)
			}
		}
	}
	if all := inShort(podSecurityOddPods); decoded < all/4 {
		t.Errorf("Kubernetes decodes %d of %d pods: the test proves little", decoded/2, all)
	}
}

// putOdd replaces one value below the pod's spec or annotations.
func putOdd(r *rand.Rand, pod map[string]any) {
	parent := pod["spec"]
	if metadata := pod["metadata"].(map[string]any); metadata["annotations"] != nil && r.IntN(8) == 0 {
		parent = metadata["annotations"]
	}
	for {
		keys := keysOf(parent)
		key := keys[r.IntN(len(keys))]
		child := at(parent, key)
		if len(keysOf(child)) == 0 || r.IntN(5) == 0 {
			put(parent, key, []any{
				nil, nil, nil, true, int64(0), 1.5, "x", "", []any{}, []any{nil}, map[string]any{}, map[string]any{"x": "y"},
			}[r.IntN(12)])
			return
		}
		parent = child
	}
}

func keysOf(v any) []string {
	var keys []string
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			keys = append(keys, key)
		}
	case []any:
		for i := range v {
			keys = append(keys, fmt.Sprint(i))
		}
	}
	slices.Sort(keys)
	return keys
}

func at(v any, key string) any {
	if object, ok := v.(map[string]any); ok {
		return object[key]
	}
	i, _ := strconv.Atoi(key)
	return v.([]any)[i]
}

func put(v any, key string, value any) {
	if object, ok := v.(map[string]any); ok {
		object[key] = value
		return
	}
	i, _ := strconv.Atoi(key)
	v.([]any)[i] = value
}
