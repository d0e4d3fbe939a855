package policies_test

import (
	"math/rand/v2"
	"testing"

	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/verdict"
)

// TestMutatingTwiceIsMutatingOnceAndBreaksNothing mutates every fixture's pod,
// and 10,000 pods put together from the parts of several, by all policies at
// once: a second time changes nothing, and no check fails that held before.
func TestMutatingTwiceIsMutatingOnceAndBreaksNothing(t *testing.T) {
	set := shipped(t)
	inputs := fixtureInputs(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	pods := 10_000
	if testing.Short() {
		pods = 500
	}
	for range pods {
		inputs = append(inputs, crossed(random, inputs[:min(len(inputs), 400)]))
	}
	mutated := 0
	for _, in := range inputs {
		if in.Pod == nil || in.Pod["path"] != "" {
			continue
		}
		once := mutate(t, set, in)
		if len(once.Operations) > 0 {
			mutated++
		}
		after := in
		after.Pod = once.Pod
		if twice := mutate(t, set, after); len(twice.Operations) > 0 {
			t.Fatalf("mutating again changes %s\nseed %d\n%s", mustMarshal(t, twice.Operations), seed, mustMarshal(t, in))
		}
		before := failing(t, set, in)
		for check := range failing(t, set, after) {
			if !before[check] {
				t.Fatalf("mutated by %s, the pod fails %s\nseed %d\n%s", mustMarshal(t, once.Operations), check, seed, mustMarshal(t, in))
			}
		}
	}
	if mutated < pods/10 {
		t.Errorf("only %d pods were mutated", mutated)
	}
}

func mutate(tb testing.TB, set *engine.Set, in verdict.Input) verdict.Mutation {
	tb.Helper()
	m := set.Mutate(tb.Context(), in)
	for _, failed := range m.Results {
		tb.Fatalf("%s: %v\n%s", failed.Policy, failed.Err, mustMarshal(tb, in))
	}
	return m
}

// failing returns the policies' checks that a pod fails.
func failing(tb testing.TB, set *engine.Set, in verdict.Input) map[string]bool {
	tb.Helper()
	checks := map[string]bool{}
	for _, result := range set.Validate(tb.Context(), in) {
		if result.Err != nil {
			tb.Fatalf("%s: %v\n%s", result.Policy, result.Err, mustMarshal(tb, in))
		}
		for _, f := range result.Deny {
			checks[f.Policy+"/"+f.Check] = true
		}
	}
	return checks
}
